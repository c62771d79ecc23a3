/**
 * A PIN that nobody knows: wrapped by a random 256-bit key, the key split by Shamir, each piece sealed to one holder and signed
 * for by the box's audit key. M pieces open it, fewer say nothing of it.
 */

import { createCipheriv, createDecipheriv, randomBytes, randomFillSync } from "node:crypto";
import { combine, split } from "shamir-secret-sharing";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import type { ScryptCost } from "../../host/passphrase-key.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import {
  checkBelongs,
  checkEnough,
  checkPiece,
  readWrapped,
  type ShareRecord,
  type SplitPurpose,
  shareRecordBytes,
  signedShareBytes,
  verifyShare,
  type WrappedPin,
  wrappedContext,
  wrappedPinBytes,
} from "../../manifests/records/share.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Opener, openPiece, type Protection, sealPiece } from "./seal-piece.ts";

export interface Holder {
  readonly id: string;
  readonly protect: Protection;
}

export interface SplitWanted {
  readonly appliance: string;
  /** serial of the token whose PIN it is */
  readonly token: string;
  readonly purpose: SplitPurpose;
  readonly threshold: number;
  readonly holders: readonly Holder[];
  /** UTC */
  readonly now: string;
  readonly cost?: ScryptCost;
}

export interface SplitMade {
  readonly split: string;
  /** the wrapped PIN's record, canonical */
  readonly wrapped: Uint8Array;
  /** what each holder keeps */
  readonly shares: readonly { readonly holder: string; readonly index: number; readonly file: Uint8Array }[];
}

const tagBytes = 16;

/**
 * Wraps and splits a PIN, which stays the caller's to wipe. `sign` signs a record with the audit key, in CMS form. Nothing is
 * durable on return. Refuses USAGE (fewer than 2 holders, a threshold below 2 or above their number, a holder twice), PATH-*.
 */
export async function splitPin(
  pin: Uint8Array,
  wanted: SplitWanted,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<SplitMade> {
  checkWanted(wanted);
  // The library takes nothing but a Uint8Array itself.
  const key = randomFillSync(new Uint8Array(32));
  const id = hex(randomBytes(16));
  let pieces: Uint8Array[] = [];
  try {
    const wrapped = wrappedPinBytes(wrap(pin, key, id, wanted));
    pieces = await split(key, wanted.holders.length, wanted.threshold);
    const shares: SplitMade["shares"][number][] = [];
    for (const [at, holder] of wanted.holders.entries()) {
      const record = await recordFor(pieces[at] as Uint8Array, holder, at + 1, id, wrapped, wanted);
      const file = signedShareBytes(record, await sign(shareRecordBytes(record)));
      shares.push({ holder: holder.id, index: record.index, file });
    }
    return { split: id, wrapped, shares };
  } finally {
    key.fill(0);
    for (const piece of pieces) piece.fill(0);
  }
}

export interface OpenedShare {
  readonly record: ShareRecord;
  /** the caller wipes it */
  readonly piece: Uint8Array;
}

/**
 * Opens one share of the wrapped PIN and proves its piece. Refuses SHARE-CHANGED, SHARE-FOREIGN, PASSPHRASE-WRONG, each
 * naming the share; JSON and SHAPE for the wrapped PIN.
 */
export async function openShare(
  file: Uint8Array,
  wrapped: Uint8Array,
  auditKeys: readonly Uint8Array[],
  openerFor: (record: ShareRecord) => Promise<Opener>,
): Promise<OpenedShare> {
  const record = await verifyShare(nodeHost, file, auditKeys);
  checkBelongs(record, readWrapped(wrapped), hex(sha256(wrapped)));
  const piece = await openPiece(record, await openerFor(record));
  try {
    await checkPiece(nodeHost, record, piece);
    return { record, piece };
  } catch (fault) {
    piece.fill(0);
    throw fault;
  }
}

/**
 * The PIN; the caller wipes it, and the pieces. Refuses SHARE-TWICE, SHARE-SHORT, and SHARE-FOREIGN when the pieces together
 * do not open the wrapped PIN.
 */
export async function joinShares(opened: readonly OpenedShare[], wrapped: Uint8Array): Promise<Uint8Array> {
  checkEnough(opened.map(({ record }) => record));
  const { threshold = 2 } = opened[0]?.record ?? {};
  const pieces = opened.slice(0, threshold).map(({ piece }) => Uint8Array.from(piece));
  const key = await combine(pieces);
  try {
    return unwrap(readWrapped(wrapped), key);
  } finally {
    for (const piece of pieces) piece.fill(0);
    key.fill(0);
  }
}

function wrap(pin: Uint8Array, key: Uint8Array, id: string, wanted: SplitWanted): WrappedPin {
  const { appliance, now: created, purpose, token } = wanted;
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(wrappedContext({ appliance, purpose, split: id, token }));
  const ciphertext = Buffer.concat([cipher.update(pin), cipher.final(), cipher.getAuthTag()]);
  return { appliance, ciphertext, created, nonce, purpose, split: id, token, type: "wrapped-pin", version: 1 };
}

function unwrap(wrapped: WrappedPin, key: Uint8Array): Uint8Array {
  const { ciphertext, nonce } = wrapped;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce);
    decipher.setAAD(wrappedContext(wrapped));
    decipher.setAuthTag(ciphertext.subarray(-tagBytes));
    const pin = decipher.update(ciphertext.subarray(0, -tagBytes));
    decipher.final();
    return pin;
  } catch (cause) {
    throw new Refusal("SHARE-FOREIGN", "the shares together do not open the wrapped PIN", { cause });
  }
}

async function recordFor(
  piece: Uint8Array,
  holder: Holder,
  index: number,
  id: string,
  wrapped: Uint8Array,
  wanted: SplitWanted,
): Promise<ShareRecord> {
  return {
    appliance: wanted.appliance,
    created: wanted.now,
    holder: holder.id,
    index,
    of: wanted.holders.length,
    pieceDigest: hex(sha256(piece)),
    purpose: wanted.purpose,
    sealed: await sealPiece(piece, holder.protect, wanted.cost),
    split: id,
    threshold: wanted.threshold,
    token: wanted.token,
    type: "share",
    version: 1,
    wrapped: hex(sha256(wrapped)),
  };
}

function checkWanted({ holders, threshold }: SplitWanted): void {
  const ids = new Set(holders.map(({ id }) => id));
  if (threshold < 2 || threshold > holders.length || holders.length > 255 || ids.size < holders.length) {
    throw new Refusal("USAGE", "a PIN cannot be split so", {
      expected: "2 to 255 different holders, and a threshold from 2 to their number",
      got: `${ids.size} holders, threshold ${threshold}`,
    });
  }
}
