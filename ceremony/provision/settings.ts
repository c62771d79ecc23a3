/** The configuration files that the box's programs and the operators' CLI read. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { BoxPaths } from "./layout.ts";
import type { SoftToken } from "./soft-token.ts";

export interface Sockets {
  readonly daemon: string;
  readonly signer: string;
  readonly unlock: string;
  readonly intake: string;
}

function socketsOf(paths: BoxPaths): Sockets {
  const at = (name: string) => join(paths.box.run, name);
  return {
    daemon: at("coldseald.sock"),
    signer: at("signer.sock"),
    unlock: at("unlock.sock"),
    intake: at("intake.sock"),
  };
}

export interface BoxKey {
  readonly uri: string;
  readonly spki: string;
  /** paths of DER certificates, the key's own first, then its issuers without the root */
  readonly certificates: readonly string[];
}

export async function writeSignerSettings(
  paths: BoxPaths,
  appliance: string,
  token: SoftToken,
  keys: { readonly sealing: BoxKey; readonly audit: BoxKey },
): Promise<void> {
  const sockets = socketsOf(paths);
  await writeSettings(paths.box.signerJson, {
    appliance,
    arc: documentationArc,
    state: paths.box.state,
    socket: sockets.signer,
    unlockSocket: sockets.unlock,
    genesis: paths.genesis,
    token: { module: token.place.module, environment: token.place.environment, uri: token.uri },
    keys: { sealing: { ...keys.sealing }, audit: { ...keys.audit } },
    clock: { lastSet: utcOf(Date.now()), errorSeconds: 60, source: "test: the clock of this machine" },
    isolation: "none",
    media: "folder",
    hsm: "software-token",
  });
}

export async function writeDaemonSettings(
  paths: BoxPaths,
  appliance: string,
  times: { readonly settleSeconds: number; readonly incompleteSeconds: number; readonly scanSeconds: number },
): Promise<void> {
  const sockets = socketsOf(paths);
  await writeSettings(paths.box.daemonJson, {
    appliance,
    socket: sockets.daemon,
    signerSocket: sockets.signer,
    intakeSocket: sockets.intake,
    spool: paths.box.spool,
    media: { in: paths.stick, out: paths.stick, audit: paths.keeper },
    roots: [paths.pki.root],
    ...times,
  });
}

/** What the launcher of a test box starts, in place of systemd's units. */
export async function writeLauncherSettings(paths: BoxPaths): Promise<void> {
  await writeSettings(paths.box.launcherJson, {
    signer: paths.box.signerJson,
    daemon: paths.box.daemonJson,
    intakeSocket: socketsOf(paths).intake,
    run: paths.box.run,
    log: paths.box.log,
  });
}

export async function writeOperatorSettings(
  paths: BoxPaths,
  person: string,
  token: SoftToken,
  certificate: string,
): Promise<void> {
  const sockets = socketsOf(paths);
  const operator = paths.operators.find((one) => one.person === person);
  await writeSettings(operator?.operatorJson as string, {
    person,
    socket: sockets.daemon,
    unlockSocket: sockets.unlock,
    token: {
      module: token.place.module,
      environment: token.place.environment,
      uri: token.uri,
      serial: token.serial,
    },
    key: { uri: token.keys[0]?.uri ?? "" },
    certificate,
  });
}

async function writeSettings(path: string, settings: Json): Promise<void> {
  await writeFile(path, `${JSON.stringify(settings, null, 2)}\n`, { flag: "wx", mode: 0o600 });
}
