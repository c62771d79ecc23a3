/** Starting a job, watching that it lives, and what is left of one that died. */

import { fork } from "node:child_process";
import { join } from "node:path";
import { readBlackBox } from "./black-box.ts";
import type { JobMessage, JobOptions } from "./job.ts";

export type FoundMessage = Extract<JobMessage, { kind: "finding" }>;
export type DoneMessage = Extract<JobMessage, { kind: "done" }>;

/** MiB of old space: the seeds of all targets take up to 240, no reader needs more than a few; far less than a bomb takes. */
export const heap = 384;
/** A job that says nothing for so long hangs. */
const patience = 40_000;

/** Runs a job to its end. One that hangs or dies is a finding with the input that it was at, and `done` is undefined. */
export function runJob(
  options: JobOptions,
  onFinding: (finding: FoundMessage) => void,
): Promise<DoneMessage | undefined> {
  const child = fork(join(import.meta.dirname, "job.ts"), [], {
    execArgv: [`--max-old-space-size=${heap}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let done: DoneMessage | undefined;
  let said = "";
  const start = performance.now();
  let watch = setTimeout(hang, patience * 2);
  function hang(): void {
    said = `no sign of life for ${patience / 1000} s`;
    child.kill("SIGKILL");
  }
  child.stderr?.on("data", (piece) => {
    said = `${said}${piece}`.slice(-4000);
  });
  child.on("message", (message: JobMessage) => {
    clearTimeout(watch);
    watch = setTimeout(hang, patience);
    if (message.kind === "finding") onFinding(message);
    if (message.kind === "done") done = message;
  });
  child.send(options);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(watch);
      if (!done) onFinding(deathOf(options, `${signal ?? code}: ${said}`, (performance.now() - start) / 1000));
      resolve(done);
    });
  });
}

function deathOf(options: JobOptions, detail: string, seconds: number): FoundMessage {
  const { target, input } = readBlackBox(options.blackBox) ?? {
    target: options.targets[0] ?? "",
    input: new Uint8Array(0),
  };
  const bytes = Buffer.from(input).toString("base64");
  const words = `the process ended or hung at ${target}`;
  return { kind: "finding", target, failure: "death", words, detail, input: bytes, small: bytes, after: 0, seconds };
}
