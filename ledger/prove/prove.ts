/** What a ledger gives to whoever shall check that a bundle, or a document of it, is in its log: the entries, opened, with their ways to the root of the published checkpoint. */

import { nodeHost } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { manifestRecord, sealRecord } from "../../manifests/log/bundle-records.ts";
import { readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { contentDigest, type LogRecord } from "../../manifests/log/entry.ts";
import { checkIncluded, type IncludedEntry, type LogProof } from "../../manifests/log/proof.ts";
import type { SealedDocument } from "../../manifests/records/documents-list.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Ledger } from "../ledger-folder.ts";
import { formerHead, provenInclusion } from "../log/proofs.ts";
import type { Place } from "../publish/place.ts";
import type { Sql } from "../store/database.ts";

/** What is to be proven: a manifest with the SHA-256 of its content in hex and, where one document is handed over by itself, its line. */
export interface ToProve {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly line?: SealedDocument;
}

/**
 * The proof under the largest checkpoint that is published. It opens the manifest's entry, and the line's, and nothing else. Refuses LEDGER-GAP what is not in the log,
 * UNPUBLISHED what no published checkpoint is over yet, LOG-HEAD a checkpoint of another tree than the store's, STORE places that cannot be read.
 */
export async function proveInLog(
  ledger: Pick<Ledger, "db" | "origin">,
  places: readonly Pick<Place, "read">[],
  { line, ...known }: ToProve,
): Promise<LogProof> {
  return proveRecords(ledger, places, [manifestRecord(known), ...(line ? [sealRecord(known, line)] : [])]);
}

/** The same of one record of another kind. Refuses as `proveInLog`. */
export async function proveRecords(
  { db, origin }: Pick<Ledger, "db" | "origin">,
  places: readonly Pick<Place, "read">[],
  records: readonly LogRecord[],
): Promise<LogProof> {
  const checkpoint = await newestPublished(places);
  const { size, root, origin: of } = readCheckpoint(checkpoint);
  const entries = await db.reading(async (sql) => {
    const own = await formerHead(sql, size);
    if (of !== origin || !equal(own.root, root)) {
      throw new Refusal("LOG-HEAD", "the published checkpoint is of another tree than the store holds", {
        expected: `${origin}, ${size} entries, root ${hex(own.root)}`,
        got: `${of}, root ${hex(root)}`,
      });
    }
    return Promise.all(records.map((record) => includedEntry(sql, record, size)));
  });
  const proof: LogProof = { checkpoint, entries, type: "log-proof", version: 1 };
  await checkIncluded(nodeHost, proof);
  return proof;
}

async function includedEntry(sql: Sql, record: LogRecord, size: number): Promise<IncludedEntry> {
  const row = await sql.get<{ idx: number; salt: Uint8Array }>(
    "SELECT idx, salt FROM entries WHERE content = ?",
    await contentDigest(nodeHost, record),
  );
  if (!row) throw new Refusal("LEDGER-GAP", `the log has no entry of this ${record.type}`);
  if (row.idx >= size) {
    throw new Refusal("UNPUBLISHED", "no published checkpoint is over this entry yet", {
      expected: `more than ${row.idx} entries`,
      got: `${size}`,
    });
  }
  const path = (await provenInclusion(sql, row.idx, size)).map(hex);
  return { index: row.idx, path, record, salt: hex(row.salt) };
}

/** Of several places the one that is furthest; a place that cannot be read hinders only where no other can. Refuses UNPUBLISHED, STORE. */
export async function newestPublished(places: readonly Pick<Place, "read">[]): Promise<Uint8Array> {
  let newest: { readonly size: number; readonly note: Uint8Array } | undefined;
  let fault: unknown;
  for (const place of places) {
    try {
      const note = await place.read("checkpoint");
      if (note === undefined) continue;
      const { size } = readCheckpoint(note);
      if (newest === undefined || size > newest.size) newest = { size, note };
    } catch (cause) {
      fault = cause;
    }
  }
  if (newest) return newest.note;
  throw fault ?? new Refusal("UNPUBLISHED", "no checkpoint is published yet");
}
