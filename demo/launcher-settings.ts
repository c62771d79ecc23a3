/** `launcher.json`: what the launcher of a demo or test box starts, in place of systemd's units. */

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { projectRoot } from "./project-root.ts";

export interface LauncherSettings {
  readonly node: string;
  readonly project: string;
  readonly signer: string;
  readonly daemon: string;
  readonly intakeSocket: string;
  /** folders where sticks appear, which intake may read */
  readonly roots: readonly string[];
  /** the one folder that intake may write */
  readonly spoolIncoming: string;
  readonly log: string;
  /** sockets, of which a killed process may leave its name */
  readonly sockets: readonly string[];
}

/** Reads `DIR/box/launcher.json` and what it needs of the daemon's and the signer's settings. */
export function readLauncherSettings(dir: string): LauncherSettings {
  const file = join(dir, "box", "launcher.json");
  const launcher = readJson(file);
  const at = (name: string, otherwise: string) => resolve(dirname(file), textOf(launcher[name]) ?? otherwise);
  const daemonFile = at("daemon", "daemon.json");
  const signerFile = at("signer", "signer.json");
  const daemon = readJson(daemonFile);
  const here = (value: unknown) => resolve(dirname(daemonFile), textOf(value) ?? "");
  const media = (daemon.media ?? {}) as { readonly [name: string]: unknown };
  return {
    node: textOf(launcher.node) ?? process.execPath,
    project: textOf(launcher.project) ?? projectRoot,
    signer: signerFile,
    daemon: daemonFile,
    intakeSocket: here(daemon.intakeSocket),
    roots: [here(media.in)],
    spoolIncoming: join(here(daemon.spool), "incoming"),
    log: at("log", "log"),
    sockets: [here(daemon.socket), here(daemon.signerSocket), ...signerSockets(signerFile)],
  };
}

function signerSockets(file: string): readonly string[] {
  const { unlockSocket } = readJson(file);
  return typeof unlockSocket === "string" ? [resolve(dirname(file), unlockSocket)] : [];
}

function readJson(file: string): { readonly [name: string]: unknown } {
  return JSON.parse(readFileSync(file, "utf8")) as { readonly [name: string]: unknown };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
