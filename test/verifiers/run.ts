/** Running a verifier as a command that says by its exit status whether it accepts. One that crashes accepts nothing. */

import { execFile } from "node:child_process";

export interface Run {
  /** its exit status, or the signal that ended it */
  readonly status: number | string;
  readonly said: string;
}

/** Runs a command to its end, 60 seconds at most. Throws when it cannot be started. */
export function runCommand(command: string, args: readonly string[], env = process.env): Promise<Run> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { env, timeout: 60_000 }, (fault, stdout, stderr) => {
      const status = fault ? (fault.signal ?? fault.code) : 0;
      if (fault && (fault.killed || typeof fault.code === "string")) return reject(fault);
      resolve({ status: status ?? "", said: `${stdout}\n${stderr}`.trim() });
    });
  });
}

/** The command's words when it ends with another status than 0; undefined when it ends with 0. */
export async function refusalOf(
  command: string,
  args: readonly string[],
  env = process.env,
): Promise<string | undefined> {
  const { status, said } = await runCommand(command, args, env);
  return status === 0 ? undefined : `${status}: ${said}`;
}
