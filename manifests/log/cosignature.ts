/** Ed25519 cosignatures of checkpoints, with the time at which a witness saw them (c2sp.org/tlog-cosignature). */

import { concat, utf8 } from "../encoding/bytes.ts";
import { Refusal } from "../refusal.ts";

const signatureLength = 64;

/** What a witness signs: a line that no checkpoint begins with, the time, and the checkpoint's whole text. */
export function cosignatureMessage(text: string, time: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}

/** What stands behind the key's ID: time as eight bytes, and the signature. */
export function joinCosignature(time: number, signature: Uint8Array): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(time));
  return concat([out, signature]);
}

/** Refuses LOG-NOTE another length, and a time of 0, which says nothing, or of 2^53 or more. */
export function splitCosignature(bytes: Uint8Array): { readonly time: number; readonly signature: Uint8Array } {
  if (bytes.length !== 8 + signatureLength) {
    throw new Refusal("LOG-NOTE", "a cosignature is of another length", {
      expected: `${8 + signatureLength} bytes`,
      got: `${bytes.length} bytes`,
    });
  }
  const time = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  if (time < 1n || time > BigInt(Number.MAX_SAFE_INTEGER)) throw new Refusal("LOG-NOTE", "a cosignature has no time");
  return { time: Number(time), signature: bytes.subarray(8) };
}
