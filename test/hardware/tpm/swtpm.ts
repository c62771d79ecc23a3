/** A real TPM 2.0 in software (swtpm), for one test each: own folder, own sockets, ended by its id. And tpm2-tools on the same TPM. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian's packages: swtpm, tpm2-tools. */
export const tpmHere = ["/usr/bin/swtpm", "/usr/bin/tpm2"].every((path) => existsSync(path));

if (!tpmHere) console.warn("NOT TESTED: a real TPM in software, because it is not here (Debian: swtpm tpm2-tools)");

export interface SoftTpm {
  readonly folder: string;
  readonly socket: string;
  /** Runs a program of tpm2-tools, as `tools("createprimary", …)`; files are taken from the TPM's folder. What it prints. */
  tools(...args: readonly string[]): string;
  /** Those that need no TPM. */
  offline(...args: readonly string[]): string;
  /** As a power cut: the TPM forgets what it had open, and its PCRs; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Keeps it from answering, as one that hangs. */
  pause(): void;
  resume(): void;
  end(): Promise<void>;
}

export async function startSoftTpm(): Promise<SoftTpm> {
  const folder = await mkdtemp(join(tmpdir(), "coldseal-tpm-"));
  const socket = join(folder, "sock");
  const state = join(folder, "state");
  await mkdir(state);
  let child: ChildProcess | undefined;
  const start = async () => {
    await rm(socket, { force: true });
    child = spawn(
      "swtpm",
      [
        ...["socket", "--tpm2", "--tpmstate", `dir=${state}`, "--flags", "not-need-init,startup-clear"],
        ...["--server", `type=unixio,path=${socket}`, "--ctrl", `type=unixio,path=${socket}.ctrl`],
      ],
      { stdio: "ignore" },
    );
    for (let tries = 0; !existsSync(socket); tries++) {
      if (tries === 200 || child.exitCode !== null) throw new Error("swtpm did not start");
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const kill = async () => {
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  const run = (args: readonly string[]) =>
    execFileSync("tpm2", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  await start();
  return {
    folder,
    socket,
    tools: (name = "", ...args) => run([name, "-T", `swtpm:path=${socket}`, ...args]),
    offline: (...args) => run(args),
    kill,
    start,
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    end: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
