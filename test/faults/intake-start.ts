/** How intakes are started at a door: plainly, once by a plan's tracer, or once through the gate. */

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const gate = join(import.meta.dirname, "intake-gate.ts");

/** The gate may read what stands in its own folder only as far as it is itself. Compiled code is kept where the tests run, not on a box. */
const script = `gate=$1; kept=$2; node=$3; shift 3; ulimit -c 0; export UV_THREADPOOL_SIZE=1
if [ -n "$kept" ]; then export NODE_COMPILE_CACHE="$kept"; set -- --allow-fs-read="$kept" --allow-fs-write="$kept" "$@"; fi
if [ -f "$gate" ]; then rm -f "$gate"; set -- --import ${gate} --allow-fs-read=${gate} "$@"; fi
exec "$node" "$@"`;

export class IntakeGate {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** The command that intakes are started by. */
  get under(): readonly string[] {
    return ["/bin/sh", "-c", script, "sh", this.#file, process.env.NODE_COMPILE_CACHE ?? ""];
  }

  /** The next intake that is started stops at the gate. */
  close(): void {
    writeFileSync(this.#file, "");
  }

  open(): void {
    rmSync(this.#file, { force: true });
  }

  /** Nobody came to it yet. */
  get closed(): boolean {
    return existsSync(this.#file);
  }
}
