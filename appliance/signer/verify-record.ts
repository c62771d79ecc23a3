/** CHAIN inside the store: every journal row, and that the other tables still hold what journal and manifests say of them. */

import { sha256 } from "../../host/crypto-host.ts";
import { fromUtf8, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import type { Host } from "../../manifests/host.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import type { Journal, JournalHead, JournalKind } from "./journal.ts";
import { Orders } from "./orders.ts";
import { goesOn } from "./past.ts";
import { checkResealed } from "./reseal.ts";
import type { Db } from "./store.ts";
import { digestEnvelopes } from "./stored-envelopes.ts";
import { verifyManifests } from "./verify-manifests.ts";

export interface VerifiedRecord {
  readonly head: JournalHead;
  readonly manifests: number;
}

/**
 * Reads the whole record, every seal too; gives way to other work. Refuses with CHAIN, naming the first journal row or
 * table row that does not fit.
 */
export async function verifyRecord({
  db,
  journal,
  host,
}: Pick<Box, "db" | "journal" | "host">): Promise<VerifiedRecord> {
  const head = await verifyTables(db, journal);
  await verifyEnvelopes(host, db);
  return { head, manifests: await verifyManifests(host, db) };
}

/** Plain envelopes, with what was reported of them, are still those whose list the journal names. */
async function verifyEnvelopes(host: Host, db: Db): Promise<void> {
  const plain = db.prepare<[], { id: number; file_digest: Uint8Array; batch_digest: Uint8Array }>(
    "SELECT id, file_digest, batch_digest FROM requests WHERE json_extract(head, '$.type') = 'plain-envelopes' ORDER BY id",
  );
  for (const { id, file_digest, batch_digest } of plain.all()) {
    if (hex(await digestEnvelopes(host, db, id)) === hex(file_digest)) continue;
    const about = `envelopes of ${hex(batch_digest)}`;
    throw new Refusal("CHAIN", "stored envelopes are not those that the journal names", { about });
  }
}

/** The journal and the tables that it tells of, without what hangs on a manifest. Gives way to other work. Refuses with CHAIN. */
export async function verifyTables(db: Db, journal: Journal): Promise<JournalHead> {
  const head = await journal.verify();
  checkContinued(db, journal);
  checkResealed(db);
  for (const one of comparisons) {
    compareRows(db, one);
    await new Promise(setImmediate);
  }
  return head;
}

/** A journal that goes on after another store's does so by the word of a quorum: its order stands in the store, and says the same. */
function checkContinued(db: Db, journal: Journal): void {
  const first = journal.first();
  const restart = goesOn(db);
  if (!first || !restart) return;
  const taken = new Orders(db).all().find(({ digest }) => digest === restart.order);
  const what = taken?.order.kind === "recover" ? taken.order.what : undefined;
  const same =
    what?.journal.sequence === first.sequence - 1 &&
    what.journal.head === hex(first.previous) &&
    what.manifests.next === restart.next;
  if (same) return;
  throw new Refusal("CHAIN", "the journal goes on after another one, and no order of the quorum says so", {
    about: `row ${first.sequence}`,
  });
}

/** Rows of a table, and what the journal's rows of a kind tell of them: the same ids in order, and for each the same text. */
interface Comparison {
  readonly kind: JournalKind;
  /** gives `row_id` as text, and the columns that `held` takes */
  readonly sql: string;
  /** id and text of a journal record */
  told(record: Told): readonly [string, string];
  /** text of a row */
  held(row: Row): string;
}

/** A journal record, and under `sequence` its row. */
interface Told {
  readonly [member: string]: Json;
}

interface Row {
  readonly [column: string]: Uint8Array | string | number;
}

const comparisons: readonly Comparison[] = [
  {
    kind: "policy",
    sql: "SELECT CAST(number AS TEXT) AS row_id, digest FROM policies",
    told: ({ number, digest }) => [`${number}`, text(digest)],
    held: ({ digest }) => text(digest),
  },
  {
    kind: "challenge",
    sql: `SELECT lower(hex(c.nonce)) AS row_id, c.content, c.policy_digest, c.expires, q.*
      FROM challenges c JOIN requests q ON q.id = c.request`,
    told: ({ challenge, file, folder, identity, submitter }) => {
      const { nonce, policyDigest, expires, batchDigest, bytes, count, mode } = challenge as Told;
      const request = [batchDigest, bytes, count, mode, file, folder, identity, submitter];
      return [`${nonce}`, text(canonical(challenge as Json), policyDigest, expires, ...request)];
    },
    held: (row) => {
      const { mode } = JSON.parse(`${row.head}`) as Told;
      const request = [row.batch_digest, row.bytes, row.count, mode, row.file_digest, row.folder, row.identity];
      const content = fromUtf8(row.content as Uint8Array);
      return text(content, row.policy_digest, row.expires, ...request, row.submitter_key);
    },
  },
  {
    kind: "authorized",
    sql: `SELECT lower(hex(c.nonce)) AS row_id, a.p7m, a.approvers
      FROM authorizations a JOIN challenges c ON c.id = a.challenge`,
    told: ({ approvers, file, nonce }) => [`${nonce}`, text(file, approvers)],
    held: ({ approvers, p7m }) => {
      const people = (JSON.parse(`${approvers}`) as Told[]).map(({ person }) => person as Json);
      return text(digestOf(p7m), people);
    },
  },
  {
    kind: "reserved",
    sql: `SELECT CAST(r.number AS TEXT) AS row_id, r.*, c.nonce, q.batch_digest, q.identity
      FROM reservations r JOIN challenges c ON c.id = r.challenge
      JOIN requests q ON q.id = r.request AND q.id = c.request`,
    told: (record) => {
      const { auditSuite, batchDigest, certificates, emergency, identity, nonce, number, policy, sequence, suite } =
        record;
      const members = [auditSuite, batchDigest, certificates, identity, nonce, policy, sequence, suite];
      return [`${number}`, text(...members, emergency ?? null)];
    },
    held: (row) => {
      const { audit_suite, batch_digest, certificates, emergency, identity, nonce, policy, sequence, suite } = row;
      const members = [audit_suite, batch_digest, digestOf(certificates), identity, nonce, policy, sequence, suite];
      return text(...members, emergency);
    },
  },
  {
    kind: "renewed",
    sql: "SELECT n.number || ' from ' || n.idx AS row_id, n.audit_suite, n.certificates FROM renewals n ORDER BY n.id",
    told: ({ auditSuite, certificates, from, number }) => [`${number} from ${from}`, text(auditSuite, certificates)],
    held: ({ audit_suite, certificates }) => text(audit_suite, digestOf(certificates)),
  },
  {
    kind: "time-stamp",
    sql: "SELECT CAST(number AS TEXT) AS row_id, * FROM time_intents",
    told: ({ attributes, certificates, info, number, suite }) => [
      `${number}`,
      text(attributes, certificates, info, suite),
    ],
    held: ({ attributes, certificates, info, suite }) =>
      text(digestOf(attributes), digestOf(certificates), digestOf(info), suite),
  },
  {
    kind: "revocation",
    sql: "SELECT CAST(id AS TEXT) AS row_id, * FROM revocation_data ORDER BY id",
    told: ({ digest, id, kind, subjects, thisUpdate }) => [
      `${id}`,
      text(digest, digest, kind, canonical(subjects as Json), thisUpdate),
    ],
    held: ({ bytes, digest, kind, subjects, this_update }) =>
      text(digest, digestOf(bytes), kind, subjects, this_update),
  },
  {
    kind: "order",
    sql: "SELECT CAST(number AS TEXT) AS row_id, digest, p7m, time FROM orders",
    told: ({ digest, file, number, time }) => [`${number}`, text(digest, file, time)],
    held: ({ digest, p7m, time }) => text(digest, digestOf(p7m), time),
  },
  {
    kind: "statement",
    sql: "SELECT CAST(number AS TEXT) AS row_id, digest, p7m FROM statements",
    told: ({ digest, file, number }) => [`${number}`, text(digest, file)],
    held: ({ digest, p7m }) => text(digest, digestOf(p7m)),
  },
  {
    kind: "anchored",
    sql: "SELECT CAST(number AS TEXT) AS row_id, der, time FROM anchors",
    told: ({ digest, number, time }) => [`${number}`, text(digest, time)],
    held: ({ der, time }) => text(digestOf(der), time),
  },
  {
    kind: "acknowledged",
    sql: "SELECT CAST(id AS TEXT) AS row_id, * FROM acknowledgements ORDER BY id",
    told: ({ file, id, number, origin, root, size }) => [`${id}`, text(file, file, number, origin, root, size)],
    held: ({ file, number, origin, p7m, root, size }) => text(file, digestOf(p7m), number, origin, root, size),
  },
  {
    kind: "closing",
    sql: "SELECT CAST(number AS TEXT) AS row_id, digest, p7m FROM closings",
    told: ({ digest, file, number }) => [`${number}`, text(digest, file)],
    held: ({ digest, p7m }) => text(digest, digestOf(p7m)),
  },
  ending("rejected", "rejection"),
  ending("abort-ordered", "abort"),
];

function ending(kind: JournalKind, held: "rejection" | "abort"): Comparison {
  return {
    kind,
    sql: `SELECT lower(hex(q.batch_digest)) AS row_id, e.* FROM endings e JOIN requests q ON q.id = e.request
      WHERE e.kind = '${held}' ORDER BY q.id`,
    told: ({ batchDigest, file, name, person, reason, time }) => [
      `${batchDigest}`,
      text(file, name, person, reason, time),
    ],
    held: ({ p7m, name, person, reason, time }) => text(digestOf(p7m), name, person, reason, time),
  };
}

function compareRows(db: Db, { kind, sql, told, held }: Comparison): void {
  const journalled = new Map<string, string>();
  for (const { sequence, record } of rowsOf(db, kind)) {
    const [id, members] = told({ ...(JSON.parse(record) as Told), sequence });
    journalled.set(unused(journalled, id), members);
  }
  const seen = new Set<string>();
  for (const row of db.prepare<[], Row & { readonly row_id: string }>(sql).iterate()) {
    const id = unused(seen, row.row_id);
    seen.add(id);
    if (journalled.get(id) !== readable(() => held(row))) {
      throw new Refusal("CHAIN", `the stored ${kind} ${id} is not what the journal says`, { about: `${kind} ${id}` });
    }
  }
  const missing = journalled.keys().find((id) => !seen.has(id));
  if (missing !== undefined) {
    throw new Refusal("CHAIN", `the store has lost ${kind} ${missing}`, { about: `${kind} ${missing}` });
  }
}

/** What is told of the same thing again, such as the end of another submitter's equal request, is counted. */
function unused(ids: { has(id: string): boolean }, id: string): string {
  let name = id;
  for (let again = 2; ids.has(name); again++) name = `${id} (${again})`;
  return name;
}

/** Nothing, when a row's own text cannot be read any more. */
function readable(held: () => string): string | undefined {
  try {
    return held();
  } catch {
    return undefined;
  }
}

function text(...members: readonly (Uint8Array | Json | undefined)[]): string {
  return JSON.stringify(members.map((member) => (member instanceof Uint8Array ? hex(member) : member)));
}

function digestOf(stored: Uint8Array | string | number | undefined): string {
  return hex(sha256(stored instanceof Uint8Array ? stored : utf8(`${stored}`)));
}

function rowsOf(db: Db, kind: JournalKind): { readonly sequence: number; readonly record: string }[] {
  return db
    .prepare<[string], { sequence: number; record: string }>(
      "SELECT sequence, record FROM journal WHERE kind = ? ORDER BY sequence",
    )
    .all(kind);
}
