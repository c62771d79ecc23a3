/** What is here of a box beside its manifests: records with an entry in the log, and the orders that explain or take back manifests. For `coldseal ledger records`. */

import { nodeHost } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { merged, rangeText } from "../../manifests/records/number-ranges.ts";
import { readSignedOrder } from "../../manifests/records/order.ts";
import { recordsOf } from "../boxes/chain-rows.ts";
import { otherTypes } from "../boxes/check-others.ts";
import type { EnrolledBox } from "../boxes/enrolled.ts";
import { smallEvidence } from "../boxes/evidence.ts";
import { policiesOf } from "../boxes/known-box.ts";
import { readRevokedKey } from "../boxes/revoked-keys.ts";
import type { Sql } from "../store/database.ts";

export const recordTypes = [...otherTypes, "decision", "continuity", "reseal", "revoked-key"] as const;
export type RecordType = (typeof recordTypes)[number];

export interface RecordAnswer {
  readonly type: RecordType;
  /** index in the log; null: an order, which has none */
  readonly entry: number | null;
  /** SHA-256 of the content (of a custody log: of the file), hex */
  readonly digest: string;
  /** SHA-256 of its file, hex */
  readonly file: string;
  /** as it claims; null: it does not say */
  readonly created: Utc | null;
  readonly arrived: Utc;
  readonly about: Readonly<Record<string, string | number>>;
}

/** All, those with an entry first, in its order. Refuses STORE. */
export async function recordAnswers(
  sql: Sql,
  enrolled: EnrolledBox,
  type?: RecordType,
): Promise<readonly RecordAnswer[]> {
  const all = [...(await others(sql, enrolled)), ...(await decisions(sql, enrolled))].sort(
    (a, b) => (a.entry ?? 0) - (b.entry ?? 0),
  );
  const orders = [
    ...(await continuity(sql, enrolled)),
    ...(await reseals(sql, enrolled)),
    ...(await revoked(sql, enrolled)),
  ];
  return [...all, ...orders].filter((one) => type === undefined || one.type === type);
}

interface Row {
  readonly digest: Uint8Array;
  readonly file: Uint8Array;
  readonly arrived: Utc;
}

const digests = ({ digest, file, arrived }: Row) => ({ digest: hex(digest), file: hex(file), arrived });

async function others(sql: Sql, { box }: EnrolledBox): Promise<readonly RecordAnswer[]> {
  const rows = await sql.all<Row & { type: RecordType; created: Utc; about: string; entry: number }>(
    "SELECT type, digest, file, created, about, entry, arrived FROM box_records WHERE box = ? ORDER BY entry",
    box,
  );
  return rows.map((row) => ({
    ...digests(row),
    type: row.type,
    entry: row.entry,
    created: row.created,
    about: JSON.parse(row.about) as RecordAnswer["about"],
  }));
}

async function decisions(sql: Sql, { box }: EnrolledBox): Promise<readonly RecordAnswer[]> {
  const rows = await sql.all<
    Row & { number: number; keep: Uint8Array | null; reason: string; keepers: string; entry: number }
  >(
    "SELECT number, keep, digest, file, reason, keepers, entry, decided AS arrived FROM decisions WHERE box = ? ORDER BY entry",
    box,
  );
  return rows.map(({ entry, keep, keepers, number, reason, ...row }) => ({
    ...digests(row),
    type: "decision",
    entry,
    created: null,
    about: { number, keep: keep === null ? "none" : hex(keep), keepers, reason },
  }));
}

async function continuity(sql: Sql, { box }: EnrolledBox): Promise<readonly RecordAnswer[]> {
  const files = await sql.all<{ digest: Uint8Array; file: Uint8Array }>(
    "SELECT digest, file FROM continuity WHERE box = ?",
    box,
  );
  const fileOf = new Map(files.map(({ digest, file }) => [hex(digest), hex(file)]));
  return (await recordsOf(sql, box)).map(({ arrived, created, digest, last, missing, next, people, reason }) => ({
    type: "continuity",
    entry: null,
    digest,
    file: fileOf.get(digest) ?? "",
    created,
    arrived,
    about: { last, missing: missing.map(rangeText).join(", ") || "none", next, people, reason },
  }));
}

async function reseals(sql: Sql, { arc, box }: EnrolledBox): Promise<readonly RecordAnswer[]> {
  const answers: RecordAnswer[] = [];
  for (const row of await sql.all<Row>(
    "SELECT digest, file, arrived FROM reseals WHERE box = ? ORDER BY arrived",
    box,
  )) {
    const { order } = await readSignedOrder(nodeHost, ownOids(arc), await smallEvidence(sql, row.file));
    if (order.kind !== "reseal") continue;
    const { manifests, reason, since } = order.what;
    const ranges = merged(manifests.map((number) => ({ from: number, to: number })));
    const about = {
      order: order.number,
      manifests: ranges.map(rangeText).join(", "),
      reason,
      since: since ?? "unknown",
    };
    answers.push({ ...digests(row), type: "reseal", entry: null, created: order.created, about });
  }
  return answers.sort(byOrder);
}

async function revoked(sql: Sql, enrolled: EnrolledBox): Promise<readonly RecordAnswer[]> {
  const { arc, box } = enrolled;
  const rows = await sql.all<Row>("SELECT digest, file, arrived FROM revoked_keys WHERE box = ?", box);
  if (rows.length === 0) return [];
  const policies = await policiesOf(sql, enrolled);
  const answers: RecordAnswer[] = [];
  for (const row of rows) {
    const order = await readRevokedKey(policies, arc, await smallEvidence(sql, row.file));
    const { created, key, number, people, reason, revocation, since } = order;
    const about = { order: number, key, revocation, since: since ?? "unknown", people: people.join(", "), reason };
    answers.push({ ...digests(row), type: "revoked-key", entry: null, created, about });
  }
  return answers.sort(byOrder);
}

function byOrder(a: RecordAnswer, b: RecordAnswer): number {
  return Number(a.about.order) - Number(b.about.order);
}
