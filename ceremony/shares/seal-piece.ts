/** One piece of a split key, for one holder's eyes: under a passphrase, or to a certificate for encryption. */

import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";
import { sha256 } from "../../host/crypto-host.ts";
import { passphraseKey, type ScryptCost, scryptCost } from "../../host/passphrase-key.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { SealedPiece, ShareRecord } from "../../manifests/records/share.ts";
import { shareName } from "../../manifests/records/share.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { decryptByFile, openEnvelope, sealEnvelope } from "./envelope.ts";

export type Protection =
  /** DER of an RSA certificate whose key usage has keyEncipherment */
  | { readonly kind: "certificate"; readonly certificate: Uint8Array }
  /** the caller wipes it */
  | { readonly kind: "passphrase"; readonly passphrase: Uint8Array };

export type Opener =
  | { readonly kind: "key"; readonly key: KeyObject }
  /** the private key stays where it is; the octets that were encrypted to it (RSAES-PKCS1-v1_5), wiped by who asked */
  | { readonly kind: "token"; decrypt(ciphertext: Uint8Array): Promise<Uint8Array> }
  | { readonly kind: "passphrase"; readonly passphrase: Uint8Array };

const tagBytes = 16;

/** Seals a piece; it stays the caller's to wipe. Refuses PATH-USAGE, PATH-KEY (a certificate that is not for encryption). */
export async function sealPiece(
  piece: Uint8Array,
  to: Protection,
  cost: ScryptCost = scryptCost,
): Promise<SealedPiece> {
  if (to.kind === "certificate") {
    return {
      certificate: hex(sha256(to.certificate)),
      envelope: sealEnvelope(piece, to.certificate),
      kind: "certificate",
    };
  }
  const [salt, nonce] = [randomBytes(32), randomBytes(12)];
  const key = await keyOf(to.passphrase, salt, cost);
  try {
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    const ciphertext = Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
    return { ciphertext, kind: "passphrase", nonce, salt, scrypt: { ...cost } };
  } finally {
    key.fill(0);
  }
}

/** The piece; the caller wipes it. Refuses PASSPHRASE-WRONG, SHARE-CHANGED (what it is sealed with was not given); of a token's key PIN-*, HSM-*. */
export async function openPiece(record: ShareRecord, opener: Opener): Promise<Uint8Array> {
  const { sealed } = record;
  if (sealed.kind === "certificate" && opener.kind === "key") {
    const { key } = opener;
    return openEnvelope(sealed.envelope, async (ciphertext) => decryptByFile(key, ciphertext), shareName(record));
  }
  if (sealed.kind === "certificate" && opener.kind === "token")
    return openEnvelope(sealed.envelope, opener.decrypt, shareName(record));
  if (sealed.kind === "passphrase" && opener.kind === "passphrase")
    return openWithPassphrase(record, sealed, opener.passphrase);
  throw new Refusal("PASSPHRASE-WRONG", `${shareName(record)}, is opened otherwise`, {
    expected: sealed.kind === "certificate" ? "the private key of its certificate" : "its passphrase",
    got: opener.kind === "passphrase" ? "a passphrase" : "a private key",
    about: shareName(record),
  });
}

async function openWithPassphrase(
  record: ShareRecord,
  { ciphertext, nonce, salt, scrypt: cost }: Extract<SealedPiece, { kind: "passphrase" }>,
  passphrase: Uint8Array,
): Promise<Uint8Array> {
  const key = await keyOf(passphrase, salt, cost);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce);
    decipher.setAuthTag(ciphertext.subarray(-tagBytes));
    const first = decipher.update(ciphertext.subarray(0, -tagBytes));
    decipher.final();
    return first;
  } catch (cause) {
    throw new Refusal("PASSPHRASE-WRONG", `that is not the passphrase of ${shareName(record)}`, {
      expected: `the passphrase of ${shareName(record)}`,
      got: "another one",
      about: shareName(record),
      cause,
    });
  } finally {
    key.fill(0);
  }
}

function keyOf(passphrase: Uint8Array, salt: Uint8Array, cost: ScryptCost): Promise<Buffer> {
  return passphraseKey(passphrase, salt, cost, ["SHARE-CHANGED", "the share names a cost of scrypt that is none"]);
}
