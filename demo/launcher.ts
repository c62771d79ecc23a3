/** Starts a demo or test box: signer, daemon, and intake at its door, each a process as systemd's units would start it. */

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { compileCache } from "../host/compile-cache.ts";
import { KeptProcess } from "../host/kept-process.ts";
import { connect } from "../host/wire.ts";
import { Refusal } from "../manifests/refusal.ts";
import { intakeCommand } from "../media/intake/command.ts";
import { openIntakeDoor } from "./intake-door.ts";
import { type LauncherSettings, readLauncherSettings } from "./launcher-settings.ts";
import { projectRoot } from "./project-root.ts";

export interface BoxOptions {
  /** told each line that a process prints */
  readonly onLog?: (name: string, line: string) => void;
  /** start again what dies; false unless said */
  readonly restart?: boolean;
}

export interface Box {
  readonly settings: LauncherSettings;
  /** Ends all processes by their ids, and removes the sockets' names. */
  stop(): Promise<void>;
  /** Kills as a power cut would; resolves when the process is gone. With `restart` it comes back. */
  kill(which: "signer" | "daemon" | "intake"): Promise<void>;
  pids(): {
    readonly signer: number | undefined;
    readonly daemon: number | undefined;
    readonly intake: readonly number[];
  };
}

/** Milliseconds that a process gets until its socket answers. */
const startTime = 30_000;

/** Where SoftHSM was unpacked into the project's cache, its module needs its libraries. */
const libraries = process.env.LD_LIBRARY_PATH ? { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH } : {};

/**
 * What V8 may keep before it collects, and the C library before it gives back: without bounds both take what the machine has,
 * and no process needs more. Units start them so, too.
 */
const bounded = ["--max-old-space-size=112", "--max-semi-space-size=2"];
const boundedMalloc = { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "65536" };

/** Signer and daemon end with the launcher, however it ends; intake ends when the daemon hangs up. */
const endWithLauncher = join(projectRoot, "demo/end-with-launcher.ts");

/** Starts the box of `DIR`; resolves when signer and daemon answer. Refuses with BUSY, or UNREACHABLE, and then nothing runs. */
export async function startBox(dir: string, options: BoxOptions = {}): Promise<Box> {
  const settings = readLauncherSettings(resolve(dir));
  await checkNotRunning(settings);
  mkdirSync(settings.log, { recursive: true, mode: 0o700 });
  mkdirSync(settings.spoolIncoming, { recursive: true, mode: 0o700 });
  const door = await openIntakeDoor(settings.intakeSocket, commandOf(settings), join(settings.log, "intake.log"));
  const [daemonSocket, signerSocket] = settings.sockets as [string, string];
  let signer: KeptProcess | undefined;
  let daemon: KeptProcess | undefined;
  const stop = async () => {
    await daemon?.stop();
    await signer?.stop();
    await door.stop();
    for (const path of settings.sockets) rmSync(path, { force: true });
  };
  try {
    signer = kept(settings, options, "signer", ["appliance/signer/main.ts", "run", settings.signer]);
    await answers(signerSocket, "signer", settings);
    daemon = kept(settings, options, "daemon", ["appliance/daemon/main.ts", settings.daemon]);
    await answers(daemonSocket, "daemon", settings);
  } catch (fault) {
    await stop();
    throw fault;
  }
  return {
    settings,
    stop,
    kill: async (which) => (which === "intake" ? door : which === "signer" ? signer : daemon)?.kill(),
    pids: () => ({ signer: signer?.pid, daemon: daemon?.pid, intake: door.pids() }),
  };
}

function kept(
  settings: LauncherSettings,
  options: BoxOptions,
  name: string,
  [main, ...args]: readonly string[],
): KeptProcess {
  return new KeptProcess({
    name,
    file: settings.node,
    args: [...bounded, "--import", endWithLauncher, join(settings.project, main as string), ...args],
    env: { LANG: "C.UTF-8", PATH: "/usr/bin:/bin", TZ: "UTC", ...boundedMalloc, ...compileCache, ...libraries },
    log: join(settings.log, `${name}.log`),
    restart: options.restart === true,
    ...(options.onLog ? { onLog: options.onLog } : {}),
  });
}

/** A second launcher would take the first one's intake socket away. */
async function checkNotRunning({ sockets, intakeSocket }: LauncherSettings): Promise<void> {
  for (const path of [...sockets, intakeSocket]) {
    if (existsSync(path) && (await takesCalls(path))) {
      throw new Refusal("BUSY", "this box is running already", { expected: "no process at its sockets", got: path });
    }
  }
}

function commandOf({ node, project, roots, spoolIncoming }: LauncherSettings) {
  return intakeCommand({ node, projectRoot: project, roots, spoolIncoming });
}

async function answers(path: string, name: string, { log }: LauncherSettings): Promise<void> {
  const end = Date.now() + startTime;
  while (Date.now() < end) {
    if (existsSync(path) && (await takesCalls(path))) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Refusal("UNREACHABLE", `the ${name} does not answer; its words are in ${join(log, `${name}.log`)}`, {
    about: path,
  });
}

async function takesCalls(path: string): Promise<boolean> {
  try {
    (await connect(path)).close();
    return true;
  } catch {
    return false;
  }
}
