/** CHAIN inside the store: every journal row, and that the other tables still hold what the journal says of them. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Journal, JournalHead, JournalKind } from "./journal.ts";
import type { Db } from "./store.ts";

export interface VerifiedRecord {
  readonly head: JournalHead;
  readonly manifests: number;
}

/** Reads the whole record. Refuses with CHAIN, naming the first journal row or table row that does not fit. */
export function verifyRecord(db: Db, journal: Journal): VerifiedRecord {
  const head = journal.verify();
  for (const one of comparisons) compareRows(db, one);
  return { head, manifests: verifyManifests(db) };
}

/** Rows of a table, and what the journal's rows of a kind tell of them: the same ids, and for each the same text. */
interface Comparison {
  readonly kind: JournalKind;
  /** gives `id` as text and `bytes` */
  readonly sql: string;
  /** id and text of a journal record */
  told(record: Told): readonly [string, string];
  /** text of a row's bytes */
  held(bytes: Uint8Array): string;
}

interface Told {
  readonly number: number;
  readonly digest: string;
  readonly nonce: string;
  readonly file: string;
  readonly challenge: { readonly nonce: string; readonly [member: string]: Json };
}

const comparisons: readonly Comparison[] = [
  {
    kind: "policy",
    sql: "SELECT CAST(number AS TEXT) AS id, digest AS bytes FROM policies",
    told: ({ number, digest }) => [`${number}`, digest],
    held: hex,
  },
  {
    kind: "challenge",
    sql: "SELECT lower(hex(nonce)) AS id, content AS bytes FROM challenges",
    told: ({ challenge }) => [challenge.nonce, canonical(challenge)],
    held: fromUtf8,
  },
  {
    kind: "authorized",
    sql: "SELECT lower(hex(nonce)) AS id, p7m AS bytes FROM authorizations a JOIN challenges c ON c.id = a.challenge",
    told: ({ nonce, file }) => [nonce, file],
    held: (bytes) => hex(sha256(bytes)),
  },
  {
    kind: "reserved",
    sql: "SELECT CAST(number AS TEXT) AS id, c.nonce AS bytes FROM reservations r JOIN challenges c ON c.id = r.challenge",
    told: ({ number, nonce }) => [`${number}`, nonce],
    held: hex,
  },
];

function compareRows(db: Db, { kind, sql, told, held }: Comparison): void {
  const journalled = new Map<string, string>();
  for (const { sequence, record } of rowsOf(db, kind)) {
    const [id, text] = told(JSON.parse(record) as Told);
    if (journalled.has(id)) throw new Refusal("CHAIN", `journal row ${sequence} tells of ${kind} ${id} again`);
    journalled.set(id, text);
  }
  for (const { id, bytes } of db.prepare<[], { id: string; bytes: Uint8Array }>(sql).iterate()) {
    if (journalled.get(id) !== held(bytes)) {
      throw new Refusal("CHAIN", `the stored ${kind} ${id} is not what the journal says`, { about: `${kind} ${id}` });
    }
    journalled.delete(id);
  }
  const [missing] = journalled.keys();
  if (missing !== undefined) {
    throw new Refusal("CHAIN", `the store has lost ${kind} ${missing}`, { about: `${kind} ${missing}` });
  }
}

/** Manifests in order: content and signature bytes as recorded, each holding the digest of the one before, and the register. */
function verifyManifests(db: Db): number {
  const journalled = new Map(
    rowsOf(db, "manifest").map(({ record }) => {
      const row = JSON.parse(record) as ManifestTold & { readonly number: number };
      return [row.number, row];
    }),
  );
  let previous = hex(db.prepare<[], Uint8Array>("SELECT genesis FROM box").pluck().get() as Uint8Array);
  let number = 0;
  const rows = db.prepare<[], ManifestRow>(
    `SELECT m.number, m.outcome, m.content_digest AS digest, m.p7m, g.number AS registered, q.identity
     FROM manifests m JOIN reservations r USING (number) JOIN requests q ON q.id = r.request
     LEFT JOIN register g ON g.identity = q.identity AND g.number = m.number ORDER BY m.number`,
  );
  for (const row of rows.iterate()) {
    number++;
    const wrong = manifestFault(row, number, previous, journalled.get(number));
    if (wrong) throw new Refusal("CHAIN", `manifest ${number} ${wrong}`, { about: `manifest ${number}` });
    previous = hex(row.digest);
  }
  if (journalled.size !== number) throw new Refusal("CHAIN", `the store has lost manifest ${number + 1}`);
  return number;
}

interface ManifestRow {
  readonly number: number;
  readonly outcome: "sealed" | "aborted";
  readonly digest: Uint8Array;
  readonly p7m: Uint8Array;
  readonly registered: number | null;
  readonly identity: Uint8Array;
}

interface ManifestTold {
  readonly digest: string;
  readonly file: string;
  readonly outcome: string;
}

function manifestFault(
  row: ManifestRow,
  number: number,
  previous: string,
  journalled: ManifestTold | undefined,
): string | undefined {
  if (!journalled) return "is not in the journal";
  const content = readSignedData(row.p7m).content ?? new Uint8Array(0);
  const digest = hex(row.digest);
  if (hex(sha256(content)) !== digest || hex(sha256(row.p7m)) !== journalled.file) return "was changed";
  if (journalled.digest !== digest || journalled.outcome !== row.outcome) return "is not what the journal says";
  const manifest = readManifest(content);
  if (row.number !== number || manifest.number !== number) return "has another number";
  if (manifest.previous !== previous) return "does not hold the digest of the one before";
  if (manifest.outcome !== row.outcome || manifest.request.identity !== hex(row.identity))
    return "is about another batch";
  if ((row.outcome === "sealed") !== (row.registered !== null))
    return "is not in the register of sealed batches as it must be";
  return undefined;
}

function rowsOf(db: Db, kind: JournalKind): { readonly sequence: number; readonly record: string }[] {
  return db
    .prepare<[string], { sequence: number; record: string }>(
      "SELECT sequence, record FROM journal WHERE kind = ? ORDER BY sequence",
    )
    .all(kind);
}
