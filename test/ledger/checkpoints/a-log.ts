/** A ledger whose log is brought out: real store, real signer behind its socket, real witnesses over HTTP, two places. */

import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, serve, stopServing } from "../../../host/wire.ts";
import { type BringOutWith, type BroughtOut, bringOut } from "../../../ledger/checkpoints/bring-out.ts";
import type { AskedWitness, WitnessSettings } from "../../../ledger/checkpoints/witness-settings.ts";
import { type SignerClient, signerClient } from "../../../ledger/client/signer-client.ts";
import { FolderPlace, makePlace } from "../../../ledger/publish/folder-place.ts";
import { signerMethods } from "../../../ledger/signer/methods.ts";
import { openSigner } from "../../../ledger/signer/open-signer.ts";
import type { Witness } from "../../../ledger/witness/cosign.ts";
import { serveWitness } from "../../../ledger/witness/server.ts";
import { makeWitness, openWitness } from "../../../ledger/witness/witness-folder.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";
import { type VerifierKey, verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { aLedger, origin, type TestLedger } from "../a-ledger.ts";
import { cheap, passphrase } from "../programs.ts";
import { keysIn, type TestKeys } from "../signer/a-signer.ts";

export { origin };

export interface TestWitness extends AskedWitness {
  readonly witness: Witness;
  /** stops answering; its port is given up */
  down(): void;
}

export interface TestLog {
  ledger: TestLedger;
  readonly keys: TestKeys;
  readonly log: VerifierKey;
  readonly places: readonly FolderPlace[];
  readonly dir: string;
  signer(): Promise<SignerClient>;
  /** a witness of this log, which serves */
  witness(name: string): Promise<TestWitness>;
  bringOut(
    settings: WitnessSettings,
    change?: Partial<Pick<BringOutWith, "backedUp" | "patience" | "places" | "signer">>,
  ): Promise<BroughtOut>;
  end(): Promise<void>;
}

/** For who answers, also on a busy machine. */
export const patience = { each: 60_000, others: 200 };

export async function aLog(): Promise<TestLog> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-log-"));
  const ledger = await aLedger();
  const keys = await keysIn(ledger.folder);
  const signing = await openSigner(join(ledger.folder, "signer"), documentationArc, async () => utf8(passphrase));
  const socket = join(dir, "s");
  const server = await serve(socket, signerMethods(signing));
  const places = [join(dir, "place-1"), join(dir, "place-2")].map((folder) => new FolderPlace(folder, origin, false));
  for (const { name } of places) await makePlace(name, origin);
  const clients: SignerClient[] = [];
  const witnesses: TestWitness[] = [];
  const log: TestLog = {
    ledger,
    keys,
    log: keys.vkey,
    places,
    dir,
    async signer() {
      const client = signerClient(await connect(socket));
      clients.push(client);
      return client;
    },
    async witness(name) {
      const made = await aWitness(join(dir, `witness-${witnesses.length}`), name, keys.vkey);
      witnesses.push(made);
      return made;
    },
    bringOut: (settings, change = {}) =>
      bringOut({ ledger: log.ledger, log: keys.vkey, settings, places, patience, signer: log.signer, ...change }),
    async end() {
      for (const one of witnesses) one.down();
      for (const { witness } of witnesses) witness.heads.close();
      for (const client of clients) client.close();
      await stopServing(server);
      signing.heads.close();
      log.ledger.end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return log;
}

async function aWitness(folder: string, name: string, log: VerifierKey): Promise<TestWitness> {
  const logs = [verifierKeyText(log)];
  const listen = { host: "127.0.0.1", port: 0 };
  const vkey = await makeWitness({ cost: cheap, folder, listen, logs, name, passphrase: utf8(passphrase) });
  const { witness } = await openWitness(folder, async () => utf8(passphrase));
  const server: Server = await serveWitness(witness, listen);
  return {
    by: "ourselves",
    key: witness.vkey,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    vkey,
    witness,
    down() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A signer that must not be needed. */
export const noSigner = async (): Promise<SignerClient> => {
  throw new Error("the signer was asked for");
};
