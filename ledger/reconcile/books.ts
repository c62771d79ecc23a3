/** What the ledger has of a box, to be held against what others counted: each manifest with its seals, by the key that made them. */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { missingOf } from "../answers/gaps.ts";
import type { MissingRange } from "../boxes/chain-gaps.ts";
import { type OpenDispute, openDisputes } from "../boxes/chain-rows.ts";
import { applianceOf, type EnrolledBox } from "../boxes/enrolled.ts";
import type { Sql } from "../store/database.ts";

export interface BookedManifest {
  /** its row */
  readonly row: number;
  readonly number: number;
  readonly created: Utc;
  readonly mode: string;
  readonly outcome: "sealed" | "aborted";
  /** seals that it says were made: lines of its list, each verified or known by digest */
  readonly seals: number;
  /** SHA-256 of the keys' SubjectPublicKeyInfo, hex */
  readonly sealingKey: string;
  readonly auditKey: string;
  /** the row of the signer's journal that it names */
  readonly journal: { readonly sequence: number; readonly head: string };
  /** key (SHA-256, hex) and name of who asked for it */
  readonly submitter: { readonly key: string; readonly name: string };
}

export interface Book {
  readonly box: EnrolledBox;
  readonly appliance: string | null;
  readonly manifests: readonly BookedManifest[];
  readonly missing: readonly MissingRange[];
  readonly disputes: readonly OpenDispute[];
}

const rowsAtOnce = 1000;

/** What lost by a decision is left out: nothing of it counts. */
export async function bookOf(sql: Sql, box: EnrolledBox, now: Utc): Promise<Book> {
  const manifests: BookedManifest[] = [];
  for (let after = 0; ; ) {
    const rows = await sql.all<{ manifest: number; content: Uint8Array; sealing_key: Uint8Array }>(
      `SELECT m.manifest, m.content, m.sealing_key FROM box_manifests m WHERE m.box = ? AND m.manifest > ? AND NOT EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest)
        ORDER BY m.manifest LIMIT ?`,
      box.box,
      after,
      rowsAtOnce,
    );
    for (const { content, manifest: row, sealing_key: key } of rows) {
      const { created, documents, journal, keys, mode, number, outcome, request } = readManifest(content);
      const { key: submitter, name } = request.submitter;
      manifests.push({
        row,
        number,
        created,
        mode,
        outcome,
        seals: documents.sealed,
        sealingKey: hex(key),
        auditKey: keys.audit.key,
        journal,
        submitter: { key: submitter, name },
      });
    }
    const last = rows.at(-1);
    if (!last) break;
    after = last.manifest;
  }
  return {
    box,
    appliance: await applianceOf(sql, box.box),
    manifests: manifests.sort((a, b) => a.number - b.number || a.row - b.row),
    missing: await missingOf(sql, box, now),
    disputes: await openDisputes(sql, box.box),
  };
}

/** One thing that does not add up, or that does by what is said. */
export interface Line {
  readonly what:
    | "dispute"
    | "missing"
    | "journal"
    | "signatures"
    | "hsm"
    | "audit-key"
    | "seal"
    | "seal-of-another-box"
    | "seal-without-document"
    | "seals-not-at-desk"
    | "document-without-seal"
    | "unread";
  /** genesis digest; null: of no box that is enrolled */
  readonly box: string | null;
  /** of a manifest */
  readonly number: number | null;
  readonly file: string | null;
  readonly text: string;
  readonly explained: boolean;
}

export function lineOf(
  what: Line["what"],
  text: string,
  { box = null, explained = false, file = null, number = null }: Partial<Omit<Line, "what" | "text">> = {},
): Line {
  return { what, box, number, file, text, explained };
}
