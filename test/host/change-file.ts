import { readFileSync, writeFileSync } from "node:fs";

/** The last byte of a file is another one. */
export function changeLastByte(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
  writeFileSync(path, bytes);
}
