/** Opening a signer's folder: the passphrase opens its keys, which must be those that its record names, and its heads are locked for this process. */

import { createPublicKey, type KeyObject } from "node:crypto";
import { nodeHost } from "../../host/crypto-host.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { readVerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { ed25519Point } from "../keys/ed25519.ts";
import { openKeys } from "../keys/sealed-keys.ts";
import { headsPlace } from "../signed-heads/heads-place.ts";
import { openSignedHeads } from "../signed-heads/signed-heads.ts";
import { openPartBytes, readKeyRecord } from "./key-record.ts";
import type { Signer } from "./methods.ts";

/**
 * Asks for the passphrase by `ask`, and wipes it. `arc` is that of the organisation's object identifiers. Refuses CONFIG, PIN-WRONG, BUSY where another signer runs over
 * this folder, STORE.
 */
export async function openSigner(
  folder: string,
  arc: string,
  ask: (what: string) => Promise<Uint8Array>,
): Promise<Signer> {
  const record = readKeyRecord(folder);
  const vkey = await readVerifierKey(nodeHost, record.checkpoint.vkey, "ed25519");
  // Before anybody types: a second signer is refused at once.
  const heads = await openSignedHeads(headsPlace(folder), [record.origin]);
  try {
    const passphrase = await ask(`the keys of ledger ${record.origin}`);
    const keys = await openKeys(record.sealed, passphrase, openPartBytes(record)).finally(() => passphrase.fill(0));
    const [checkpointKey, acknowledgementKey] = keys;
    if (!checkpointKey || !acknowledgementKey || keys.length > 2) {
      throw new Refusal("CONFIG", "the keys' file holds other keys than it should", { got: `${keys.length} keys` });
    }
    if (
      !equal(ed25519Point(checkpointKey), vkey.key) ||
      !equal(spkiOf(acknowledgementKey), record.acknowledgement.spki)
    ) {
      throw new Refusal("CONFIG", "the keys' file holds other keys than it names");
    }
    const contentType = ownOids(arc).acknowledgement;
    return { acknowledgementKey, checkpointKey, contentType, folder, heads, record, vkey };
  } catch (fault) {
    heads.close();
    throw fault;
  }
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }));
}
