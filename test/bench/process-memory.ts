/** How much memory processes have held at most, as Linux counts it, and how long they took. */

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** The most of them in MiB (VmHWM), of those that are still there. */
export function peakMiB(pids: readonly (number | undefined)[]): number {
  return Math.max(0, ...pids.map((pid) => (pid === undefined ? 0 : peakOf(pid))));
}

function peakOf(pid: number): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Runs a program to its end: seconds, and its most memory. Throws where it does not end with 0. */
export async function timedRun(program: string, args: readonly string[]): Promise<{ seconds: number; rssMiB: number }> {
  const begun = performance.now();
  const child = spawn(program, args, { stdio: "ignore" });
  const peak = watchPeak(child.pid);
  const status = await new Promise((resolve) => child.once("close", resolve));
  const seconds = (performance.now() - begun) / 1000;
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")} ended with ${status}`);
  return { seconds, rssMiB: peak() };
}

/** Resets nothing, but notes the peak of a child while it runs; call the answer at its end. */
function watchPeak(pid: number | undefined): () => number {
  let most = 0;
  const look = () => {
    most = Math.max(most, peakMiB([pid]));
  };
  const timer = setInterval(look, 50);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
}
