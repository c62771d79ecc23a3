/**
 * A witness's folder: `keys.json` with its one key, sealed; `witness.json`, which people edit: where it listens, and the logs that it watches; and what it
 * cosigned last (`ledger/signed-heads`).
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { InTurn } from "../../host/in-turn.ts";
import type { ScryptCost } from "../../host/passphrase-key.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { integer, list, literal, object, oneOf, type Read, type Reader, text } from "../../manifests/encoding/shape.ts";
import { readVerifierKey, type VerifierKey, verifierKey, verifierKeyText } from "../../manifests/log/verifier-key.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { ed25519Point, newEd25519 } from "../keys/ed25519.ts";
import { newFolder } from "../keys/new-folder.ts";
import { openKeys, readSealed, sealKeys } from "../keys/sealed-keys.ts";
import { headsPlace, writeHeadsPlace } from "../signed-heads/heads-place.ts";
import { makeSignedHeads, openSignedHeads, type SignedHeads } from "../signed-heads/signed-heads.ts";
import type { Witness } from "./cosign.ts";

const readKeyShape = object({
  held: oneOf(["file"]),
  sealed: readSealed,
  type: literal("witness-key"),
  version: literal(1),
  vkey: text(512),
});

const readSettingsShape = object({
  listen: object({ host: text(255), port: integer(0, 65_535) }),
  /** the logs' verifier keys; each name is the log's origin */
  logs: list(text(512), 1, 100),
  type: literal("witness"),
  version: literal(1),
});
export type WitnessSettings = Pick<Read<typeof readSettingsShape>, "listen" | "logs">;

export interface WitnessWanted extends WitnessSettings {
  readonly folder: string;
  /** of its key */
  readonly name: string;
  /** UTF-8; the caller wipes it */
  readonly passphrase: Uint8Array;
  /** where the counter of what was cosigned is kept; in the folder unless said */
  readonly counter?: string;
  /** of guessing the passphrase; the usual one unless said */
  readonly cost?: ScryptCost;
}

/** Makes a witness's folder with all that is in it, or nothing; its verifier key. Durable on return. Refuses CONFIG where the folder is, BUSY, LOG-NOTE keys and names that are none, STORE. */
export async function makeWitness(wanted: WitnessWanted): Promise<string> {
  const { cost, counter, folder, listen, logs, name, passphrase } = wanted;
  await readLogs(logs);
  const key = newEd25519();
  const vkey = verifierKeyText(await verifierKey(nodeHost, name, "cosignature/v1", ed25519Point(key)));
  const open = { held: "file", type: "witness-key", version: 1, vkey };
  await newFolder(folder, async (begun) => {
    if (counter !== undefined) await writeHeadsPlace(begun, counter);
    await makeSignedHeads(headsPlace(begun));
    const settings = { listen, logs, type: "witness", version: 1 };
    await writeDurable(join(begun, "witness.json"), Buffer.from(`${JSON.stringify(settings, undefined, 2)}\n`));
    const { ciphertext, nonce, salt, scrypt } = await sealKeys([key], passphrase, canonicalBytes(open), cost);
    const sealed = { ciphertext: ciphertext.toBase64(), nonce: nonce.toBase64(), salt: salt.toBase64(), scrypt };
    await writeDurable(join(begun, "keys.json"), canonicalBytes({ ...open, sealed }));
  });
  return vkey;
}

export interface OpenedWitness {
  readonly witness: Witness;
  readonly listen: WitnessSettings["listen"];
}

/** Opens a witness's folder, for this process alone. `ask` gives the passphrase, which is wiped here. Refuses CONFIG, LOG-NOTE, PIN-WRONG, BUSY, STORE. */
export async function openWitness(folder: string, ask: (what: string) => Promise<Uint8Array>): Promise<OpenedWitness> {
  const { heads, listen, logs, record, vkey } = await openParts(folder);
  try {
    const passphrase = await ask(`the key of witness ${vkey.name}`);
    const open = canonicalBytes({ held: record.held, type: record.type, version: record.version, vkey: record.vkey });
    const [key] = await openKeys(record.sealed, passphrase, open).finally(() => passphrase.fill(0));
    if (!key || !equal(ed25519Point(key), vkey.key)) {
      throw new Refusal("CONFIG", "keys.json holds another key than it names", { about: folder });
    }
    return { listen, witness: { heads, key, logs, now: Date.now, turn: new InTurn(), vkey } };
  } catch (fault) {
    heads.close();
    throw fault;
  }
}

/** The parts of a folder that need no passphrase; its heads are locked. Refuses CONFIG, LOG-NOTE, BUSY, STORE. */
export async function openParts(folder: string): Promise<{
  readonly heads: SignedHeads;
  readonly listen: WitnessSettings["listen"];
  readonly logs: readonly VerifierKey[];
  readonly record: Read<typeof readKeyShape>;
  readonly vkey: VerifierKey;
}> {
  const record = readFile(join(folder, "keys.json"), readCanonical, readKeyShape);
  const settings = readFile(
    join(folder, "witness.json"),
    (bytes) => readPlainJson(new TextDecoder().decode(bytes)),
    readSettingsShape,
  );
  const vkey = await readVerifierKey(nodeHost, record.vkey, "cosignature/v1");
  const logs = await readLogs(settings.logs);
  const heads = await openSignedHeads(
    headsPlace(folder),
    logs.map(({ name }) => name),
  );
  return { heads, listen: settings.listen, logs, record, vkey };
}

/** One key a log: an origin under two keys would have two histories here. */
async function readLogs(vkeys: readonly string[]): Promise<readonly VerifierKey[]> {
  const logs = await Promise.all(vkeys.map((vkey) => readVerifierKey(nodeHost, vkey, "ed25519")));
  if (new Set(logs.map(({ name }) => name)).size === logs.length) return logs;
  throw new Refusal("CONFIG", "a log stands twice in the list of a witness");
}

function readFile<T>(path: string, parse: (bytes: Uint8Array) => Json, reader: Reader<T>): T {
  try {
    return reader(parse(new Uint8Array(readFileSync(path))), path);
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", `a witness's file cannot be read: ${message}`, { about: path, cause: fault });
  }
}
