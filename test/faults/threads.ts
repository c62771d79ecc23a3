/** The threads of a process by their roles, which are the same in each life of it: strace counts calls by thread. */

import { readdirSync, readFileSync } from "node:fs";

/** How Node, libuv and V8 name their threads. */
const roles: Readonly<Record<string, string>> = {
  "node-MainThread": "main",
  node: "main",
  "libuv-worker": "pool",
  "node-V8Worker": "v8",
  DelayedTaskSche: "delayed",
  SignalInspector: "inspector",
  WorkerThread: "worker",
};

/**
 * Thread ids by role: `main`, `pool` (one, where UV_THREADPOOL_SIZE is 1), `worker-1` and so on in the order of their start. A process that is
 * gone has none.
 */
export function threadsOf(pid: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [id, name] of named(pid)) {
    const role = roles[name] ?? "other";
    const taken = [...found.keys()].filter((one) => one === role || one.startsWith(`${role}-`)).length;
    found.set(role === "main" || (role === "pool" && taken === 0) ? role : `${role}-${taken + 1}`, id);
  }
  return found;
}

function named(pid: number): readonly (readonly [number, string])[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map(Number)
      .sort((a, b) => a - b)
      .map((id) => [id, readFileSync(`/proc/${pid}/task/${id}/comm`, "utf8").trim()] as const);
  } catch {
    return [];
  }
}

/** Who traces a thread; 0: nobody, or it is gone. */
export function tracerOf(thread: number): number {
  return Number(/^TracerPid:\t(\d+)$/m.exec(status(thread))?.[1] ?? 0);
}

/** Whether a process has stopped itself, and nobody traces it. */
export function hasStopped(pid: number): boolean {
  return /^State:\tT/m.test(status(pid));
}

/** Whether it does not run, by itself or for its tracer. */
export function standsStill(pid: number): boolean {
  return /^State:\t[Tt]/m.test(status(pid));
}

/** Whether a filter of system calls is on it. */
export function isFiltered(pid: number): boolean {
  return /^Seccomp:\t2/m.test(status(pid));
}

function status(id: number): string {
  try {
    return readFileSync(`/proc/${id}/status`, "utf8");
  } catch {
    return "";
  }
}
