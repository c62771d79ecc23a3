/** Certificates that the box's manifests and seals were made under, as far as the store has them. */

import { sha256 } from "../../host/crypto-host.ts";
import { fromBase64, hex } from "../../manifests/encoding/bytes.ts";
import type { Db } from "./store.ts";

/**
 * Of the keys and their issuers, without roots, of all manifests from a number on, also past ones: by the SHA-256 of the DER, hex, each once, in the order of
 * digests.
 */
export function usedCertificates(db: Db, from: number): readonly (readonly [digest: string, der: Uint8Array])[] {
  const found = new Map<string, Uint8Array>();
  const take = (der: Uint8Array) => found.set(hex(sha256(der)), der);
  for (const text of chainsFrom(db, from)) for (const der of namedIn(text)) take(der);
  for (const der of pastFrom(db, from)) take(der);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Texts of chains as reservations, renewals and time-stamps hold them. */
function chainsFrom(db: Db, from: number): readonly string[] {
  return db
    .prepare<[number, number, number], string>(
      `SELECT certificates FROM reservations WHERE number >= ? UNION SELECT certificates FROM renewals WHERE number >= ?
       UNION SELECT certificates FROM time_intents WHERE number >= ?`,
    )
    .pluck()
    .all(from, from, from);
}

function pastFrom(db: Db, from: number): readonly Uint8Array[] {
  return db
    .prepare<[number], Uint8Array>(
      "SELECT DISTINCT bytes FROM recovered_files WHERE number >= ? AND path GLOB 'certificates/*'",
    )
    .pluck()
    .all(from);
}

/** Lists of base64, one in another where there are several chains. */
function namedIn(text: string): readonly Uint8Array[] {
  const chains = JSON.parse(text) as (string | string[])[];
  return chains.flat().map(fromBase64);
}
