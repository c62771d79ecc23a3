/**
 * The signer of a ledger for one command: the process that serves at the folder's socket, else one started for this command alone, and only when something is to be
 * signed. Its keys are never in this process, nor is the passphrase: the signer asks for it itself, or is handed the descriptor that it stands on.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHost } from "../../host/crypto-host.ts";
import { checkHandedOver } from "../../host/terminal/secret-descriptor.ts";
import { type Connection, connect, overSocket } from "../../host/wire.ts";
import { readVerifierKey, type VerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readKeyRecord } from "../signer/key-record.ts";
import { socketPath } from "../signer/socket-path.ts";
import { type SignerClient, signerClient } from "./signer-client.ts";

export interface SignerOrder {
  /** of the ledger */
  readonly folder: string;
  readonly arc: string;
  /** that the passphrase is read from, where a signer has to be started; or what opens it then */
  readonly passphraseFd?: number | (() => number);
  /** the same of the token's PIN */
  readonly pinFd?: number;
}

export const signerFolder = (ledger: string) => join(ledger, "signer");

/** The key of a ledger's checkpoints. Refuses CONFIG, LOG-NOTE. */
export function logKeyOf(ledger: string): Promise<VerifierKey> {
  return readVerifierKey(nodeHost, readKeyRecord(signerFolder(ledger)).checkpoint.vkey, "ed25519");
}

const main = fileURLToPath(new URL("../signer/main.ts", import.meta.url));

interface Opened {
  readonly connection: Connection;
  /** exit status of one that was started for this command */
  readonly ended?: Promise<number | null>;
}

/**
 * Gives `use` a way to the signer, which is found or started when it is first asked for, and let go afterwards. Refuses what `use` refuses, with what the signer's opening
 * refused (PIN-WRONG, BUSY) where it was first used; UNREACHABLE where the signer ended in between.
 */
export async function withSigner<T>(
  order: SignerOrder,
  use: (signer: () => Promise<SignerClient>) => Promise<T>,
): Promise<T> {
  let opened: Promise<Opened> | undefined;
  const signer = async () => {
    opened ??= open(order);
    return signerClient((await opened).connection);
  };
  try {
    return await use(signer);
  } catch (fault) {
    const ended = (await opened)?.ended;
    if (!ended || !(fault instanceof Refusal) || fault.code !== "UNREACHABLE") throw fault;
    const got = `exit status ${await ended}`;
    throw new Refusal("UNREACHABLE", "the ledger's signer ended", { got, cause: fault });
  } finally {
    const one = await opened?.catch(() => undefined);
    one?.connection.close();
    await one?.ended;
  }
}

async function open(order: SignerOrder): Promise<Opened> {
  const path = socketPath(signerFolder(order.folder));
  const running = path === undefined ? undefined : await connect(path).catch(() => undefined);
  return running ? { connection: running } : start(order);
}

function start({ arc, folder, passphraseFd, pinFd }: SignerOrder): Opened {
  const secrets = [
    { option: "--passphrase-fd", descriptor: typeof passphraseFd === "function" ? passphraseFd() : passphraseFd },
    { option: "--pin-fd", descriptor: pinFd },
  ].flatMap(({ descriptor, option }) => (descriptor === undefined ? [] : [{ descriptor, option }]));
  for (const { descriptor } of secrets) checkHandedOver(descriptor);
  const first = ["inherit", "ignore", "inherit", "pipe"] as const;
  const named = secrets.flatMap(({ option }, at) => [option, `${first.length + at}`]);
  const args = [main, signerFolder(folder), "--arc", arc, "--descriptor", "3", ...named];
  const child = spawn(process.execPath, args, { stdio: [...first, ...secrets.map(({ descriptor }) => descriptor)] });
  for (const descriptor of new Set(secrets.map((one) => one.descriptor))) closeSync(descriptor);
  return { connection: overSocket(child.stdio[3] as unknown as Socket), ended: exited(child) };
}

function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", resolve);
  });
}
