/** The rows of revocation data that came in on media: raw bytes, for ever, since receipts of earlier manifests hold them; of each subject the newest is in force. */

import { fromHex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { type RevocationKind, revocationPath } from "../../manifests/records/revocation-part.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Db } from "./store.ts";

export interface StoredRevocation {
  readonly id: number;
  readonly digest: Uint8Array;
  readonly kind: RevocationKind;
  /** of what it speaks, canonical JSON: of a list its issuer's key, of a response the certificates that it answers for, each as SHA-256 in hex, ascending */
  readonly subjects: string;
  readonly thisUpdate: Utc;
  readonly bytes: Uint8Array;
}

const columns = "id, digest, kind, subjects, this_update AS thisUpdate, bytes";

export function revocationOf(db: Db, digest: Uint8Array): StoredRevocation | undefined {
  return db
    .prepare<[Uint8Array], StoredRevocation>(`SELECT ${columns} FROM revocation_data WHERE digest = ?`)
    .get(digest);
}

/** Those that are the newest of one subject at least, in the order in which they came. */
export function revocationInForce(db: Db): readonly StoredRevocation[] {
  const ids = new Set(
    newestOf(db)
      .values()
      .map(({ id }) => id),
  );
  const read = db.prepare<[number], StoredRevocation>(`SELECT ${columns} FROM revocation_data WHERE id = ?`);
  return [...ids].sort((a, b) => a - b).map((id) => read.get(id) as StoredRevocation);
}

/** The newest of each subject, by kind and subject: what came later where two are of one time. */
export function newestOf(db: Db): ReadonlyMap<string, { readonly id: number; readonly thisUpdate: Utc }> {
  const newest = new Map<string, { readonly id: number; readonly thisUpdate: Utc }>();
  const all = db.prepare<[], Pick<StoredRevocation, "id" | "kind" | "subjects" | "thisUpdate">>(
    "SELECT id, kind, subjects, this_update AS thisUpdate FROM revocation_data ORDER BY this_update, id",
  );
  for (const { id, kind, subjects, thisUpdate } of all.iterate()) {
    for (const subject of JSON.parse(subjects) as string[]) newest.set(`${kind} ${subject}`, { id, thisUpdate });
  }
  return newest;
}

/** The files that a manifest names. Refuses with CHAIN where one is lost. */
export function* revocationFiles(db: Db, { revocation }: Pick<Manifest, "revocation">) {
  for (const [at, { digest, kind }] of (revocation?.files ?? []).entries()) {
    const row = revocationOf(db, fromHex(digest));
    const path = revocationPath(at + 1, kind);
    if (!row) throw new Refusal("CHAIN", "the store has lost revocation data that a manifest names", { about: path });
    yield { path, bytes: row.bytes };
  }
}
