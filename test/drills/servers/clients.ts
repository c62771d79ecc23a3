/** PostgreSQL's programs for clients, where `coldseal ledger` looks for them: on the PATH. */

import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { quoted } from "../cluster/quoted.ts";
import type { ServerPrograms } from "./programs.ts";

/** Puts pg_dump and pg_restore of these programs first on this process's PATH, by scripts in the new folder `bin`, as they may need libraries of their own; called, the PATH is as before. */
export function clientsOnPath(bin: string, { env, postgresBin }: ServerPrograms): () => void {
  mkdirSync(bin, { mode: 0o755 });
  const own = Object.entries(env).map(([name, value]) => quoted(`${name}=${value}`));
  for (const name of ["pg_dump", "pg_restore"]) {
    const words = ["exec env", ...own, quoted(join(postgresBin, name)), '"$@"'];
    writeFileSync(join(bin, name), `#!/bin/sh\n${words.join(" ")}\n`, { mode: 0o755 });
  }
  const before = process.env.PATH ?? "";
  process.env.PATH = `${bin}${delimiter}${before}`;
  return () => {
    process.env.PATH = before;
  };
}
