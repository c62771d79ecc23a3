/** strace at threads that run already: counts their calls, or makes one of them fail or kill. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { pause } from "../promises/real-daemon.ts";
import { type CallPoint, calls } from "./point.ts";
import { threadsOf, tracerOf } from "./threads.ts";

/** Milliseconds that strace gets to be there. */
const patience = 10_000;

/** Whether strace may attach to a process that is not its child: root may, others where the kernel's ptrace_scope is 0. */
export function canAttach(): boolean {
  const tried = spawnSync(
    "/bin/sh",
    ["-c", "sleep 5 & p=$!; timeout -s INT 1 strace -qq -o /dev/null -e trace=write -p $p; s=$?; kill $p; exit $s"],
    { stdio: "ignore" },
  );
  // 124: it was there until its time was over; INT, as strace ends by it itself, may give 130.
  return tried.status === 124 || tried.status === 130;
}

/** The names of calls that this machine's strace knows: some exist on one architecture only. */
export function knownCalls(): readonly string[] {
  return calls.filter(
    (call) => spawnSync("strace", ["-qq", "-o", "/dev/null", "-e", `trace=${call}`, "true"]).status === 0,
  );
}

export class Tracer {
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.#log = log;
  }

  /** The point's call of this one thread. Resolves when it is watched; false where the thread is gone. */
  static inject(thread: number, { call, when, fault }: CallPoint, log: string): Promise<Tracer | undefined> {
    const fate = fault === "SIGKILL" ? "signal=SIGKILL" : `error=${fault}`;
    const what = ["-e", `trace=${call}`, "-e", `inject=${call}:${fate}:when=${when}`];
    return Tracer.#attach(thread, what, log, () => tracerOf(thread) !== 0);
  }

  /** All threads of a process, those that it still starts too: their calls are written to the log. */
  static count(pid: number, names: readonly string[], log: string): Promise<Tracer | undefined> {
    const what = ["-f", "-e", `trace=${names.join(",")}`, "-e", "signal=none"];
    // strace takes one thread after another.
    return Tracer.#attach(pid, what, log, () => [...threadsOf(pid).values()].every((thread) => tracerOf(thread) !== 0));
  }

  static async #attach(
    id: number,
    args: readonly string[],
    log: string,
    there: () => boolean,
  ): Promise<Tracer | undefined> {
    rmSync(log, { force: true });
    const child = spawn("strace", ["-q", "-o", log, ...args, "-p", String(id)], { stdio: "ignore" });
    for (const end = Date.now() + patience; Date.now() < end && child.exitCode === null; await pause(3))
      if (there()) return new Tracer(child, log);
    child.kill("SIGTERM");
    return undefined;
  }

  /** Whether the fault came about. */
  get struck(): boolean {
    return /killed by SIGKILL|\(INJECTED\)/.test(this.text);
  }

  get text(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
  }

  /** Lets go of the thread, which runs on. */
  async detach(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("close", done));
    child.kill("SIGTERM");
    await gone;
  }
}

/** How many calls of each name each thread made, by thread id, in a log of `strace -f`. */
export function countsIn(log: string): ReadonlyMap<number, ReadonlyMap<string, number>> {
  const counts = new Map<number, Map<string, number>>();
  for (const line of log.split("\n")) {
    const [, id, name] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? [];
    if (!id || !name) continue;
    const ofThread = counts.get(Number(id)) ?? new Map<string, number>();
    counts.set(Number(id), ofThread);
    ofThread.set(name, (ofThread.get(name) ?? 0) + 1);
  }
  return counts;
}
