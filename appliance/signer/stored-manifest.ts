/** The content of a manifest that is in the store, also a past one of a lost store. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import type { Db } from "./store.ts";

/** It was verified when it was stored. */
export function storedManifest(db: Db, number: number): Manifest | undefined {
  const p7m = db
    .prepare<[number, number], Uint8Array>(
      `SELECT p7m FROM manifests WHERE number = ?
       UNION ALL SELECT bytes FROM recovered_files WHERE number = ? AND path = 'manifest.p7m'`,
    )
    .pluck()
    .get(number, number);
  return p7m && readManifest(readSignedData(p7m).content ?? new Uint8Array(0));
}

/** SHA-256 of a manifest's content. */
export function storedContentDigest(db: Db, number: number): Uint8Array | undefined {
  return db
    .prepare<[number, number], Uint8Array>(
      "SELECT content_digest FROM manifests WHERE number = ? UNION ALL SELECT content_digest FROM recovered WHERE number = ?",
    )
    .pluck()
    .get(number, number);
}
