/**
 * The probe: a log beside the record, with a store, an origin, keys and a place of its own, to which the service appends one entry now and then and brings it out by the same code,
 * so that all of it is known to work while nothing comes in. No probe ever enters the record.
 */

import { randomBytes } from "node:crypto";
import { existsSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { equal, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { type LogRecord, leafOver, recordBytes } from "../../manifests/log/entry.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { bringOut } from "../checkpoints/bring-out.ts";
import { ownLog, trustOf } from "../checkpoints/witness-settings.ts";
import { signerFolder, withSigner } from "../client/open-signer.ts";
import { createLedger, openLedger, storeFile } from "../ledger-folder.ts";
import { append } from "../log/append.ts";
import { takeOver } from "../log/tree-head.ts";
import { placesOf } from "../publish/places.ts";
import { makeKeys } from "../signer/make-keys.ts";
import { type ProvenLog, proveLog } from "./prove-published.ts";

const probeFolder = (ledger: string) => join(ledger, "probe");

/** What opens the probe's keys: nothing that they sign says anything of a box, and the service must open them by itself. */
const passphraseFile = (folder: string) => join(folder, "passphrase");
/** 32 random bytes need no slow guessing. */
const cost = { N: 1 << 10, p: 1, r: 8 };

/** Makes what is missing of the probe's folder; a log of one's own that is there (`coldseal ledger init FOLDER/probe`) is taken as it is. Refuses STORE, CONFIG. */
export async function makeProbe(ledger: string, origin: string): Promise<void> {
  const folder = probeFolder(ledger);
  const own = `${origin}/probe`;
  if (!existsSync(join(folder, storeFile))) await createLedger(folder, own);
  if (existsSync(signerFolder(folder))) return;
  if (!existsSync(passphraseFile(folder))) {
    await writeDurable(passphraseFile(folder), utf8(`${randomBytes(32).toString("hex")}\n`));
  }
  const askPassphrase = async () => utf8((await readFile(passphraseFile(folder), "utf8")).trim());
  const opened = await openLedger(folder);
  try {
    const usage = ownOids(documentationArc).acknowledging;
    const wanted = { cost, kind: "p256", organization: "Probe", origin: opened.origin, askPassphrase, usage } as const;
    await makeKeys({ ...wanted, folder: signerFolder(folder) });
  } finally {
    opened.close();
  }
}

/** Appends one entry, has it signed, cosigned and published, and proves it from what is published. Refuses what does not hold, WITNESS, STORE, BUSY, CONFIG a probe with the record's origin. */
export async function probeOnce(ledger: string, origin: string): Promise<ProvenLog> {
  const folder = probeFolder(ledger);
  const opened = await openLedger(folder);
  try {
    if (opened.origin === origin) {
      throw new Refusal("CONFIG", "the probe's log has the name of the record's", { expected: "another", got: origin });
    }
    const record = newRecord();
    const epoch = await takeOver(opened.db);
    const [at] = await opened.db.writing((sql) => append(sql, epoch, [record]));
    const own = await ownLog(folder);
    const places = placesOf(opened);
    const order = { folder, arc: documentationArc, passphraseFd: () => passphraseOf(folder) };
    const { waiting } = await withSigner(order, (signer) => bringOut({ ...own, ledger: opened, places, signer }));
    if (waiting) throw waiting;
    const proven = await proveLog(places, trustOf(own), () => (at?.index ?? 0) + 1);
    const leaf = at && (await leafOver(nodeHost, at.salt, record.type, recordBytes(record)));
    if (leaf && equal(leaf, proven.leaf)) return proven;
    throw new Refusal("LOG-PROOF", "the newest entry that the probe's log shows is another than was appended");
  } finally {
    opened.close();
  }
}

/** The probe's log once more as its places show it, nothing appended. Refuses as `probeOnce`. */
export async function proveProbe(ledger: string, size: number): Promise<ProvenLog> {
  const folder = probeFolder(ledger);
  const own = await ownLog(folder);
  return proveLog(placesOf({ folder, origin: own.log.name }), trustOf(own), () => size);
}

/** Of no box: its genesis digest is none that a policy can have. */
function newRecord(): LogRecord {
  const digest = hex(new Uint8Array(randomBytes(32)));
  return { appliance: "probe", digest, genesis: "00".repeat(32), type: "refusal", version: 1 };
}

/** Its descriptor, for a signer that is started; one that serves there has its keys open. Refuses CONFIG. */
function passphraseOf(folder: string): number {
  if (existsSync(passphraseFile(folder))) return openSync(passphraseFile(folder), "r");
  throw new Refusal("CONFIG", "nothing opens the probe's keys", {
    expected: "a file `passphrase` beside its store, or a signer that serves there",
    got: "neither",
    about: folder,
  });
}
