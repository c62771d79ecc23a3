/** How much memory processes have held at most, as Linux counts it. */

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

/** Resets nothing, but notes the peak of a child while it runs; call the answer at its end. */
export function watchPeak(pid: number | undefined): () => number {
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
