/** The rows of the box's own time-stamps: what was to be signed, and the token that came of it. */

import { sha256 } from "../../host/crypto-host.ts";
import type { SuiteName } from "../../manifests/cms/suite.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import type { Db } from "./store.ts";

export interface TimeIntent {
  /** of the key that signs: base64 of its certificate and its issuers, canonical JSON */
  readonly certificates: string;
  readonly suite: SuiteName;
  /** the TSTInfo */
  readonly info: Uint8Array;
  /** what is signed */
  readonly attributes: Uint8Array;
}

export function storedTimeIntent(db: Db, number: number): TimeIntent | undefined {
  return db
    .prepare<[number], TimeIntent>("SELECT certificates, suite, info, attributes FROM time_intents WHERE number = ?")
    .get(number);
}

/** local-time.tst. */
export function storedTimeStamp(db: Db, number: number): Uint8Array | undefined {
  return db.prepare<[number], Uint8Array>("SELECT token FROM time_stamps WHERE number = ?").pluck().get(number);
}

/** Whether the token is over what was stored before it, and the one that the manifest names, where there is a manifest: an aborted batch's names none. */
export function timeStampHolds(db: Db, number: number, manifest?: Pick<Manifest, "outcome" | "time">): boolean {
  const token = storedTimeStamp(db, number);
  const file = token && hex(sha256(token));
  const named = manifest?.outcome === "sealed" ? manifest.time?.file : file;
  if (named !== file) return false;
  if (!token) return true;
  const intent = storedTimeIntent(db, number);
  // In the SignerInfo the attributes carry another tag than where they are signed (RFC 5652 5.4).
  return intent !== undefined && [intent.info, intent.attributes.subarray(1)].every((part) => contains(token, part));
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(part);
}
