/**
 * What the signer counted: its journal, as `ceremony journal --json` prints it. Each row holds the digest of the one before, and manifests name rows by their digest, so that
 * nobody can change a row before the last one that a manifest names. Pure.
 */

import { sha256 } from "../../host/crypto-host.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import {
  anyObject,
  hexText,
  integer,
  object,
  oneOf,
  type Read,
  text,
  type Utc,
  utc,
} from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** How often the sealing key was used for a number. */
export interface SignerCount {
  readonly number: number;
  /** seals, by the row of its manifest; while there is none, of its last attempt */
  readonly sealed: number;
  readonly outcome: "sealed" | "aborted" | "under way";
  /** when the row was written that says so */
  readonly time: Utc;
  /** what was signed and not stored is signed again after a crash: at most so many signatures were made, and at least `sealed` */
  readonly most: number;
}

export interface SignerJournal {
  readonly from: number;
  readonly to: number;
  /** time of the last row */
  readonly until: Utc;
  readonly counts: ReadonlyMap<number, SignerCount>;
  /** digest of a row, hex */
  readonly digests: ReadonlyMap<number, string>;
}

/** So many signatures may be made and not stored when a signer dies (three chunks of 64). */
const mostUnderWay = 192;
/** Of a journal's file: a row has some 500 bytes. */
export const journalLimit = 512 << 20;

const readRow = object({
  digest: hexText(),
  kind: text(32),
  previous: hexText(),
  record: anyObject,
  sequence: integer(1),
  time: utc,
});
type Row = Read<typeof readRow>;

const readAttempt = (record: Json, at: string) => {
  const { intents, number, sealed } = anyObject(record, at);
  return {
    intents: integer(0)(intents, `${at}.intents`),
    number: integer(1)(number, `${at}.number`),
    sealed: integer(0)(sealed, `${at}.sealed`),
  };
};
const readManifestRow = (record: Json, at: string) => {
  const { number, outcome, sealed } = anyObject(record, at);
  return {
    number: integer(1)(number, `${at}.number`),
    outcome: oneOf(["sealed", "aborted"])(outcome, `${at}.outcome`),
    sealed: integer(0)(sealed, `${at}.sealed`),
  };
};

/** Refuses JSON, SHAPE; CHAIN rows that do not follow each other, or were changed. */
export function readSignerJournal(bytes: Uint8Array): SignerJournal {
  const rows = rowsIn(fromUtf8(bytes));
  const digests = new Map<number, string>();
  const counts = new Map<number, SignerCount>();
  let before: Row | undefined;
  for (const row of rows) {
    checkRow(row, before);
    digests.set(row.sequence, row.digest);
    count(row, counts);
    before = row;
  }
  const [first] = rows;
  if (!first || !before) throw new Refusal("SHAPE", "the journal has no row");
  return { from: first.sequence, to: before.sequence, until: before.time, counts, digests };
}

function count({ kind, record, sequence, time }: Row, counts: Map<number, SignerCount>): void {
  const at = `row ${sequence}`;
  if (kind === "attempt") {
    const { intents, number, sealed } = readAttempt(record, at);
    const known = counts.get(number);
    const again = againOf(known) + Math.max(0, intents - sealed);
    counts.set(number, { number, sealed, outcome: "under way", time, most: sealed + again + mostUnderWay });
  }
  if (kind === "manifest") {
    const { number, outcome, sealed } = readManifestRow(record, at);
    const known = counts.get(number);
    counts.set(number, { number, sealed, outcome, time, most: sealed + againOf(known) });
  }
}

/** Signatures that attempts so far may have made a second time. */
function againOf(known: SignerCount | undefined): number {
  if (!known) return 0;
  return known.most - known.sealed - (known.outcome === "under way" ? mostUnderWay : 0);
}

/** The document that the command prints, or rows one a line, as the signer gives them. */
function rowsIn(text: string): readonly Row[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 1 || !/^\{.*\}\s*$/.test(lines[0] ?? "")) {
    const { rows } = anyObject(readPlainJson(text), "journal");
    if (Array.isArray(rows)) return rows.map((row, at) => readRow(row as Json, `journal.rows[${at}]`));
  }
  return lines.map((line, at) => readRow(readPlainJson(line), `line ${at + 1}`));
}

function checkRow(row: Row, before: Row | undefined): void {
  const { digest, kind, previous, record, sequence, time } = row;
  const about = `row ${sequence}`;
  if (before && (sequence !== before.sequence + 1 || previous !== before.digest)) {
    throw new Refusal("CHAIN", `${about} of the journal does not follow the one before it`, {
      expected: `row ${before.sequence + 1} after ${before.digest}`,
      got: `row ${sequence} after ${previous}`,
      about,
    });
  }
  const own = hex(sha256(canonicalBytes({ kind, previous, record, sequence, time })));
  if (own !== digest)
    throw new Refusal("CHAIN", `${about} of the journal was changed: its digest is another`, {
      expected: own,
      got: digest,
      about,
    });
}
