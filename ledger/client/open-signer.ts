/**
 * The signer of a ledger for one command: the process that serves at the folder's socket, else one started for this command alone. Its keys are never in
 * this process, nor is the passphrase: the signer asks for it itself, or is handed the descriptor that it stands on.
 */

import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, overSocket } from "../../host/wire.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type SignerClient, signerClient } from "./signer-client.ts";

export interface SignerOrder {
  /** of the ledger */
  readonly folder: string;
  readonly arc: string;
  /** that the passphrase is read from, where a signer has to be started */
  readonly passphraseFd?: number;
}

export const signerFolder = (ledger: string) => join(ledger, "signer");

const main = fileURLToPath(new URL("../signer/main.ts", import.meta.url));

/** Gives `use` the signer, and lets it go afterwards. Refuses what `use` refuses; where a signer that was started ended, LEDGER-STOPPED: it has said why. */
export async function withSigner<T>(order: SignerOrder, use: (signer: SignerClient) => Promise<T>): Promise<T> {
  const running = await connect(join(signerFolder(order.folder), "sign.sock")).catch(() => undefined);
  if (running === undefined) return withStarted(order, use);
  try {
    return await use(signerClient(running));
  } finally {
    running.close();
  }
}

async function withStarted<T>(order: SignerOrder, use: (signer: SignerClient) => Promise<T>): Promise<T> {
  const { arc, folder, passphraseFd } = order;
  const secret = passphraseFd === undefined ? [] : ["--passphrase-fd", "4"];
  const child = spawn(process.execPath, [main, signerFolder(folder), "--arc", arc, "--descriptor", "3", ...secret], {
    stdio: ["inherit", "ignore", "inherit", "pipe", ...(passphraseFd === undefined ? [] : [passphraseFd])],
  });
  if (passphraseFd !== undefined) closeSync(passphraseFd);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) => reject(new Refusal("UNREACHABLE", "the signer cannot be started", { cause })));
    child.once("exit", resolve);
  });
  const connection = overSocket(child.stdio[3] as unknown as Socket);
  try {
    return await use(signerClient(connection));
  } catch (fault) {
    if (!(fault instanceof Refusal) || fault.code !== "UNREACHABLE") throw fault;
    const status = await ended;
    throw new Refusal("UNREACHABLE", "the ledger's signer ended; it said why", {
      got: `exit status ${status}`,
      cause: fault,
    });
  } finally {
    connection.close();
    await ended;
  }
}
