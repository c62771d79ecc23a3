import { readFileSync } from "node:fs";

/** A file of test/vectors/logs; SOURCES.md there says where it comes from. */
export function logVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../vectors/logs/${name}`, import.meta.url), "utf8"));
}
