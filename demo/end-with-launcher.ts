/**
 * Loaded by the launcher (`node --import`) into the processes that it starts, before their own main: when the launcher is
 * gone, killed or not, its end of their standard input closes, and they end as they do at SIGTERM. Units load nothing.
 */

import type { Socket } from "node:net";
import process from "node:process";
import { isMainThread } from "node:worker_threads";

/** Milliseconds that a process gets to end by itself. */
const patience = 10_000;

// Threads of the process load this as well, and have no standard input to watch.
if (isMainThread) {
  process.stdin.on("error", () => undefined);
  process.stdin.once("close", () => {
    setTimeout(() => process.kill(process.pid, "SIGKILL"), patience).unref();
    process.kill(process.pid, "SIGTERM");
  });
  process.stdin.resume();
  // It must not keep a process alive that has ended otherwise.
  (process.stdin as Socket).unref();
}
