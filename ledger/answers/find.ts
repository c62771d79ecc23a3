/** Was this file sealed: by which box, when, in which mode, on whose approval, and does it still count? For `coldseal ledger find`. */

import { closeSync } from "node:fs";
import { nodeHost } from "../../host/crypto-host.ts";
import { type OpenFile, openFileIn, openRoot } from "../../host/no-follow.ts";
import { readPieces } from "../../host/read-file.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { SealedDocument } from "../../manifests/records/documents-list.ts";
import { shown } from "../../manifests/records/names.ts";
import { hashNames } from "../../manifests/records/request.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { linked } from "../boxes/chain-rows.ts";
import { applianceOf, enrolledBoxes } from "../boxes/enrolled.ts";
import { oneLine } from "../boxes/one-line.ts";
import type { Sql } from "../store/database.ts";
import { type ManifestAnswer, manifestAnswer } from "./manifests.ts";
import type { Lists } from "./standing/issuers-words.ts";
import { type JudgedBy, Standings } from "./standing/judge.ts";
import { type Mark, takenBy } from "./standing/marks.ts";

export interface FoundSeal {
  readonly appliance: string | null;
  readonly genesis: string;
  /** the line of documents.jsonl */
  readonly line: SealedDocument;
  readonly manifest: ManifestAnswer;
  /** index in the log of the document's entry; null while its manifest is not in it */
  readonly entry: number | null;
  /** by when the manifest is proven to have existed, by time-stamps; null: it waits for them */
  readonly proven: Utc | null;
  /** sealed, by a manifest that is in the chain, of which nothing is in dispute, and nothing that is here takes it back */
  readonly counts: boolean;
  readonly why: string;
  /** what later records say about it */
  readonly marks: readonly Mark[];
  readonly judgedBy: JudgedBy;
}

/** Which of the seals. */
export interface FindWanted {
  /** the first that is told, by its place among those of a digest; 1 unless said */
  readonly from?: number;
  /** how many of each digest are told; 1,000 unless said */
  readonly most?: number;
  /** of this box's, and of manifests with this number */
  readonly genesis?: string | undefined;
  readonly number?: number | undefined;
  /** CRLs and OCSP responses of the asker's */
  readonly own?: Lists;
}

export interface FoundSeals {
  /** the earliest first */
  readonly seals: readonly FoundSeal[];
  /** `from` of those after these; null: there are no others */
  readonly next: number | null;
}

/** Most that are told of one document, unless said. */
const mostFound = 1000;

/**
 * Seals of documents with one of these digests (hex): first those that are in the chain and sealed, in the order in which their manifests came in, so that what may count is not hidden behind what
 * cannot. Refuses STORE.
 */
export async function findSeals(
  sql: Sql,
  digests: readonly string[],
  now: Utc,
  { from = 1, genesis: ofBox, most = mostFound, number, own }: FindWanted = {},
): Promise<FoundSeals> {
  const found: FoundSeal[] = [];
  let more = false;
  const narrowed = `${ofBox === undefined ? "" : " AND b.genesis = ?"}${number === undefined ? "" : " AND m.number = ?"}`;
  const by = [ofBox, number].filter((one) => one !== undefined);
  const boxes = await enrolledBoxes(sql);
  const standings = new Standings(sql, now, own);
  for (const digest of digests) {
    const rows = await sql.all<{ manifest: number; idx: number; box: number; genesis: string }>(
      `SELECT d.manifest, d.idx, b.box, b.genesis FROM box_documents d JOIN box_manifests m ON m.manifest = d.manifest
        JOIN boxes b ON b.box = m.box WHERE d.digest = ?${narrowed}
        ORDER BY CASE WHEN m.outcome = 'sealed' AND EXISTS (SELECT 1 FROM chain_links l WHERE l.manifest = m.manifest AND ${linked}) THEN 0 ELSE 1 END,
        d.manifest, d.idx LIMIT ? OFFSET ?`,
      fromHex(digest),
      ...by,
      most + 1,
      from - 1,
    );
    more ||= rows.length > most;
    for (const { box, genesis, idx, manifest: row } of rows.slice(0, most)) {
      const manifest = await manifestAnswer(sql, box, row);
      const line = await oneLine(sql, row, idx);
      const enrolled = boxes.find((one) => one.box === box);
      if (!manifest || !line || !enrolled) continue;
      const standing = await standings.of(enrolled);
      const marks = await standing.marks(row);
      const why = whyNot(manifest) ?? takenBy(marks);
      const entry = manifest.entry === null ? null : manifest.entry + idx;
      const appliance = await applianceOf(sql, box);
      const { judgedBy } = standing;
      const proven = await standing.provenOf(manifest.digest);
      const counts = why === undefined;
      found.push({
        appliance,
        genesis,
        line,
        manifest,
        entry,
        proven,
        counts,
        why: why ?? "it counts",
        marks,
        judgedBy,
      });
    }
  }
  const seals = found.sort((a, b) => (a.manifest.created < b.manifest.created ? -1 : 1));
  return { seals, next: more ? from + most : null };
}

/** A digest in hex, as it is kept; undefined where `what` is none, and so names a file. */
export function digestIn(what: string): string | undefined {
  return /^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i.test(what) ? what.toLowerCase() : undefined;
}

/** What a document may be known by: its digests by each algorithm that a policy can name, hex. Refuses USAGE where there is no such plain file, MEDIA-*. */
export async function digestsOfFile(path: string): Promise<readonly string[]> {
  const [folder, name] = [path.slice(0, path.lastIndexOf("/") + 1) || ".", path.slice(path.lastIndexOf("/") + 1)];
  const at = openRoot(folder);
  try {
    const file = openPlain(at, name, path);
    if (!file) throw noFile(path, "is neither a file nor a digest", "neither");
    return await digestsOfPieces(readPieces(file));
  } finally {
    closeSync(at);
  }
}

/** A folder, a link or a device is the asker's slip, and no matter of a stick. */
function openPlain(at: number, name: string, path: string): OpenFile | undefined {
  try {
    return openFileIn(at, name, "any links");
  } catch (fault) {
    if (!(fault instanceof Refusal) || fault.code !== "MEDIA-KIND") throw fault;
    throw noFile(path, "is no plain file", fault.got ?? "something else");
  }
}

function noFile(path: string, what: string, got: string): Refusal {
  const expected = "a plain file itself, or a digest of 64, 96 or 128 hex digits";
  return new Refusal("USAGE", `${path === "" ? "an empty name" : shown(path)} ${what}`, { expected, got, about: path });
}

/** The same of its bytes. */
export async function digestsOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const hashers = hashNames.map((hash) => nodeHost.hasher(hash));
  for await (const piece of pieces) for (const hasher of hashers) hasher.update(piece);
  return Promise.all(hashers.map(async (hasher) => hex(await hasher.digest())));
}

function whyNot({ inDispute, outcome, reason, standing }: ManifestAnswer): string | undefined {
  if (outcome === "aborted") return `the batch was aborted (${reason ?? "no reason"}): none of its seals counts`;
  switch (standing) {
    case "lost":
      return "two keepers decided for another manifest of this number";
    case "disputed":
      return "its manifest is in dispute";
    case "waits":
      return "its manifest waits for one before it, and is not in the log yet";
    case "chained":
      return inDispute ? "another manifest of its number is here, and nobody has decided between them" : undefined;
  }
}
