/** Opening a signer's folder: PIN and passphrase open its keys, which must be those that its record names, and its heads are locked for this process. */

import { createPublicKey, type KeyObject } from "node:crypto";
import { nodeHost } from "../../host/crypto-host.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { readVerifierKey, type VerifierKey } from "../../manifests/log/verifier-key.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { askPin } from "../keys/passphrase.ts";
import { openKeys } from "../keys/sealed-keys.ts";
import { headsPlace } from "../signed-heads/heads-place.ts";
import { openSignedHeads } from "../signed-heads/signed-heads.ts";
import { heldIn, type KeyName, type KeyRecord, openPartBytes, readKeyRecord, spkisOf } from "./key-record.ts";
import type { Signer } from "./methods.ts";
import { cmsKey, noteKey, type SigningKey, type TokenLogin } from "./signing-key.ts";
import type { TokenKeys } from "./token/open-token-keys.ts";

type OpenedKeys = Readonly<Partial<Record<KeyName, SigningKey>>>;

/**
 * Asks for the passphrase by `ask` where a key is in the file, and wipes it; for the PIN by `login` where one is on the token. `arc` is that of the organisation's object
 * identifiers. Refuses CONFIG, PIN-WRONG, PIN-LOCKED, HSM-GONE, HSM-TOKEN, HSM-KEY, BUSY where another signer runs over this folder, STORE.
 */
export async function openSigner(
  folder: string,
  arc: string,
  ask: (what: string) => Promise<Uint8Array>,
  login: TokenLogin = { askPin: (of) => askPin(undefined, of) },
): Promise<Signer> {
  const record = readKeyRecord(folder);
  const vkey = await readVerifierKey(nodeHost, record.checkpoint.vkey, "ed25519");
  // Before anybody types: a second signer is refused at once.
  const heads = await openSignedHeads(headsPlace(folder), [record.origin]);
  let token: TokenKeys | undefined;
  const close = async () => {
    heads.close();
    await token?.close();
  };
  try {
    token = await keysOnToken(folder, record, vkey, login);
    const keys: OpenedKeys = { ...token?.keys, ...(await keysInFile(record, vkey, ask)) };
    const { acknowledgement, checkpoint } = keys;
    if (!acknowledgement || !checkpoint)
      throw new Refusal("CONFIG", "the keys' file names a key that it does not hold");
    const contentType = ownOids(arc).acknowledgement;
    return { acknowledgement, checkpoint, close, contentType, folder, heads, record, vkey };
  } catch (fault) {
    await close();
    throw fault;
  }
}

/** What speaks to tokens is loaded only where one is spoken to. */
async function keysOnToken(folder: string, record: KeyRecord, vkey: VerifierKey, login: TokenLogin) {
  if (heldIn(record, "token").length === 0) return undefined;
  const { openTokenKeys } = await import("./token/open-token-keys.ts");
  return openTokenKeys(folder, record, vkey, login);
}

async function keysInFile(
  record: KeyRecord,
  vkey: VerifierKey,
  ask: (what: string) => Promise<Uint8Array>,
): Promise<OpenedKeys> {
  const { acknowledgement, origin, sealed } = record;
  if (!sealed) return {};
  const names = heldIn(record, "file");
  const passphrase = await ask(`the keys of ledger ${origin}`);
  const opened = await openKeys(sealed, passphrase, openPartBytes(record)).finally(() => passphrase.fill(0));
  if (opened.length !== names.length) {
    throw new Refusal("CONFIG", "the keys' file holds other keys than it should", { got: `${opened.length} keys` });
  }
  const spkis = spkisOf(record, vkey);
  const keys = names.map((name, at) => {
    const key = opened[at] as KeyObject;
    if (!equal(spkiOf(key), spkis[name])) throw new Refusal("CONFIG", "the keys' file holds other keys than it names");
    return [name, name === "checkpoint" ? noteKey(key) : cmsKey(key, suiteOf(acknowledgement.suite))] as const;
  });
  return Object.fromEntries(keys);
}

function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }));
}
