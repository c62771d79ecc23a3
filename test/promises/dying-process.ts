/** Processes that die at a chosen system call: SIGKILL at the `when`th call of a name in one thread, by strace. */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

export const canTrace = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;
if (!canTrace) console.warn("NOT TESTED: processes killed at system calls, because strace cannot trace here");

/** Under CI these tests always run, and fail where strace is missing. */
export const mustTrace = canTrace || process.env.CI !== undefined;

/** Where a process is to die; `when` 0: nowhere, its calls are only counted. With `error` it lives on: the call fails by that. */
export interface Point {
  readonly call: string;
  readonly when: number;
  readonly error?: "EIO" | "ENOSPC";
}

/**
 * Starts whatever follows it: once under strace where a plan stands in the file, later plainly. The tracer is no parent, so that ids stay. A
 * filter (`--seccomp-bpf`) spares all other calls a stop, but loses the signals that strace sends.
 */
const script = `plan=$1; shift
if [ -f "$plan" ]; then
  read -r call when after fate < "$plan"; rm -f "$plan"
  if [ "$after" -gt 0 ]; then echo "$call $when $((after - 1)) $fate" > "$plan"; exec "$@"; fi
  export UV_THREADPOOL_SIZE=1 NODE_COMPILE_CACHE=
  if [ "$when" = 0 ]; then exec strace -D -f --seccomp-bpf -q -o "$plan.log" -e trace="$call" -e signal=none "$@"; fi
  bpf=--seccomp-bpf; [ "$fate" = signal=SIGKILL ] && bpf=
  exec strace -D -f $bpf -q -o "$plan.log" -e trace="$call" -e inject="$call":"$fate":when="$when" "$@"
fi
exec "$@"`;

export class DeathPlan {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** The command that a process is started by. */
  get under(): readonly string[] {
    return ["/bin/sh", "-c", script, "sh", this.#file];
  }

  /** The next process that is started is to die there, or the one `after` so many others. */
  set(point: Point, after = 0): void {
    rmSync(`${this.#file}.log`, { force: true });
    const fate = point.error ? `error=${point.error}` : "signal=SIGKILL";
    writeFileSync(this.#file, `${point.call} ${point.when} ${after} ${fate}\n`);
  }

  /** Whether the process died there, or the call failed. */
  get died(): boolean {
    return /killed by SIGKILL|\(INJECTED\)/.test(this.#log);
  }

  /** Most calls that one thread of the process has made. */
  get calls(): number {
    const counts = new Map<string, number>();
    for (const line of this.#log.split("\n")) {
      const [thread] = line.split(" ");
      if (thread && !/resumed>|\+\+\+|---/.test(line)) counts.set(thread, (counts.get(thread) ?? 0) + 1);
    }
    return Math.max(0, ...counts.values());
  }

  get #log(): string {
    return existsSync(`${this.#file}.log`) ? readFileSync(`${this.#file}.log`, "utf8") : "";
  }
}

/** Numbers that look random and come again from the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The numbers from `first` to `last`, or as many of them as asked for, picked by `random`, in order. */
export function sample(first: number, last: number, many: number, random: () => number): readonly number[] {
  const all = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  while (all.length > many) all.splice(Math.floor(random() * all.length), 1);
  return all;
}
