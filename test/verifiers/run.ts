/** Running a verifier as a command that says by its exit status whether it accepts. */

import { execFile } from "node:child_process";

/** The command's last words when it ends with another status than 0; undefined when it ends with 0. Throws when it cannot be started. */
export function refusalOf(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { env, timeout: 60_000 }, (fault, stdout, stderr) => {
      if (!fault) return resolve(undefined);
      if (typeof fault.code !== "number") return reject(fault);
      resolve(`${stdout}\n${stderr}`.trim() || `status ${fault.code}`);
    });
  });
}
