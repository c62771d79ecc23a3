/** The promises about the signer's record, asked of the store's rows themselves and of the token. */

import { Journal } from "../../appliance/signer/journal.ts";
import type { TokenHead } from "../../appliance/signer/ports.ts";
import type { Db } from "../../appliance/signer/store.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import type { Breach } from "./breach.ts";

export interface TokenContents {
  readonly head: TokenHead | undefined;
  readonly genesis: Uint8Array | undefined;
  /** every message that the sealing key signed; undefined where the token cannot say */
  readonly sealed: readonly Uint8Array[] | undefined;
  /** every message that the key for the box's own time-stamps signed, where the token can say */
  readonly stamped?: readonly Uint8Array[];
}

type Row = Readonly<Record<string, unknown>>;

/** CHAIN: the journal and all that hangs on it, as the product reads it, and the manifests once more without it. */
export async function checkChain(db: Db, genesis: string): Promise<readonly Breach[]> {
  const breaches: Breach[] = [];
  await verifyRecord({ db, journal: new Journal(db), host: nodeHost }).catch((fault: Error) =>
    breaches.push(["CHAIN", `the record does not verify: ${fault.message}`]),
  );
  let previous = genesis;
  for (const [at, { number, p7m }] of rows<{ number: number; p7m: Uint8Array }>(
    db,
    "SELECT number, p7m FROM manifests ORDER BY number",
  ).entries()) {
    if (number !== at + 1) breaches.push(["CHAIN", `manifest ${number} stands where ${at + 1} belongs`]);
    const content = readSignedData(p7m).content ?? new Uint8Array();
    const manifest = readManifest(content);
    if (manifest.number !== number) breaches.push(["CHAIN", `manifest ${number} says ${manifest.number}`]);
    if (manifest.previous !== previous) breaches.push(["CHAIN", `manifest ${number} does not hold the one before it`]);
    previous = hex(sha256(content));
  }
  const numbers = rows<{ number: number }>(db, "SELECT number FROM reservations ORDER BY number");
  if (numbers.some(({ number }, at) => number !== at + 1)) breaches.push(["CHAIN", "reserved numbers have a gap"]);
  return breaches;
}

/** CHAIN: token and store agree by the rules of the head; `settled`: the box is unlocked and at rest, so the head covers every manifest. */
export function checkHead(db: Db, token: TokenContents, genesis: string, settled: boolean): readonly Breach[] {
  const breaches: Breach[] = [];
  const wrong = (what: string) => breaches.push(["CHAIN", what]);
  if (!token.genesis || hex(token.genesis) !== genesis) wrong("the token's genesis is another");
  if (!token.head) return [...breaches, ["CHAIN", "the token holds no head"]];
  const head = JSON.parse(fromUtf8(token.head.content)) as { counter: number; sequence: number; head: string };
  const [row] = rows<{ digest: Uint8Array }>(db, `SELECT digest FROM journal WHERE sequence = ${head.sequence}`);
  if (!row) wrong("the head is ahead of the store");
  else if (hex(row.digest) !== head.head) wrong("the head names another journal row");
  if (head.counter !== token.head.counter) wrong("the head contradicts its counter");
  const known = one(db, "SELECT coalesce(max(counter), 0) FROM heads");
  if (head.counter !== known && (settled || head.counter !== known + 1))
    wrong(`head ${head.counter}, the store knows ${known}`);
  const after = one(db, `SELECT count(*) FROM journal WHERE kind = 'manifest' AND sequence > ${head.sequence}`);
  if (after > (settled ? 0 : 1)) wrong(`${after} manifests after the head`);
  const unannounced = one(
    db,
    `SELECT count(*) FROM reservations r WHERE sequence > ${head.sequence} AND EXISTS (SELECT 1 FROM signatures s WHERE s.number = r.number)`,
  );
  if (unannounced > 0) wrong("seals stand under a number that no head announced");
  return breaches;
}

/** INTENT-FIRST: the token signed nothing that was not stored before, and for one document one set of attributes only. */
export function checkIntents(db: Db, { sealed, stamped }: TokenContents): readonly Breach[] {
  const breaches: Breach[] = [];
  const stored = new Set(
    rows<{ attributes: Uint8Array }>(db, "SELECT attributes FROM intents").map(({ attributes }) => hex(attributes)),
  );
  for (const message of sealed ?? []) {
    if (!stored.has(hex(message)))
      breaches.push(["INTENT-FIRST", "the token signed attributes that are no stored intent"]);
  }
  const [{ twice }] = rows<{ twice: number }>(
    db,
    "SELECT count(*) AS twice FROM intents a JOIN intents b ON a.attributes = b.attributes AND (a.number, a.idx) < (b.number, b.idx)",
  ) as [{ twice: number }];
  if (twice > 0) breaches.push(["INTENT-FIRST", "two documents have one intent"]);
  const orphans = one(
    db,
    "SELECT count(*) FROM signatures s WHERE NOT EXISTS (SELECT 1 FROM intents i WHERE i.number = s.number AND i.idx = s.idx)",
  );
  if (orphans > 0) breaches.push(["INTENT-FIRST", `${orphans} seals without intent`]);
  return [...breaches, ...checkStamps(db, stamped)];
}

/** The same of the box's own time-stamps: one TSTInfo under one number, and a token of it under every sealed manifest that names one. */
function checkStamps(db: Db, stamped: TokenContents["stamped"]): readonly Breach[] {
  const breaches: Breach[] = [];
  const intents = new Set(
    rows<Row>(db, "SELECT attributes FROM time_intents").map((row) => hex(row.attributes as Uint8Array)),
  );
  if ((stamped ?? []).some((message) => !intents.has(hex(message)))) {
    breaches.push(["INTENT-FIRST", "the token signed a time-stamp that is no stored intent"]);
  }
  for (const { p7m, token } of rows<{ p7m: Uint8Array; token: Uint8Array | null }>(
    db,
    "SELECT m.p7m, t.token FROM manifests m LEFT JOIN time_stamps t USING (number) WHERE m.outcome = 'sealed'",
  )) {
    const { number, time } = readManifest(readSignedData(p7m).content ?? new Uint8Array());
    if (time?.file !== (token ? hex(sha256(token)) : undefined))
      breaches.push(["INTENT-FIRST", `manifest ${number} names another time-stamp than the store holds`]);
  }
  return breaches;
}

/** SEAL-ONCE: one sealed manifest for one identity, each document of it sealed once, and the register says so. */
export function checkOnce(db: Db): readonly Breach[] {
  const breaches: Breach[] = [];
  const sealed =
    "FROM manifests m JOIN reservations r USING (number) JOIN requests q ON q.id = r.request WHERE m.outcome = 'sealed'";
  for (const { n } of rows<{ n: number }>(db, `SELECT count(*) AS n ${sealed} GROUP BY q.identity HAVING n > 1`)) {
    breaches.push(["SEAL-ONCE", `${n} manifests sealed one batch`]);
  }
  const registered = one(
    db,
    `SELECT count(*) ${sealed} AND EXISTS (SELECT 1 FROM register g WHERE g.number = m.number AND g.identity = q.identity)`,
  );
  if (registered !== one(db, `SELECT count(*) ${sealed}`) || registered !== one(db, "SELECT count(*) FROM register")) {
    breaches.push(["SEAL-ONCE", "the register is not the list of what was sealed"]);
  }
  for (const { number, count, seals, last } of rows<{ number: number; count: number; seals: number; last: number }>(
    db,
    `SELECT m.number, q.count, (SELECT count(*) FROM signatures s WHERE s.number = m.number) AS seals,
      (SELECT max(idx) FROM signatures s WHERE s.number = m.number) AS last ${sealed}`,
  )) {
    if (seals !== count || last !== count)
      breaches.push(["SEAL-ONCE", `manifest ${number}: ${seals} seals of ${count} documents`]);
  }
  return breaches;
}

/** QUORUM: under each number the authorisation of its own challenge, of M people at least, and each nonce used once. */
export function checkQuorum(db: Db, quorum: number, approved: ReadonlySet<string>): readonly Breach[] {
  const breaches: Breach[] = [];
  for (const { number, batch, approvers, own } of rows<{
    number: number;
    batch: Uint8Array;
    approvers: string | null;
    own: number;
  }>(
    db,
    `SELECT r.number, q.batch_digest AS batch, a.approvers, c.request = r.request AS own FROM reservations r
     JOIN requests q ON q.id = r.request LEFT JOIN challenges c ON c.id = r.challenge LEFT JOIN authorizations a ON a.challenge = c.id`,
  )) {
    const people = new Set((JSON.parse(approvers ?? "[]") as { person: string }[]).map(({ person }) => person));
    if (people.size < quorum || own !== 1)
      breaches.push(["QUORUM", `manifest ${number} was approved by ${people.size} people`]);
    if (!approved.has(hex(batch))) breaches.push(["QUORUM", `manifest ${number} is of a batch that nobody approved`]);
  }
  const nonces = rows<Row>(db, "SELECT record FROM journal WHERE kind = 'reserved'").map(
    ({ record }) => (JSON.parse(record as string) as { nonce: string }).nonce,
  );
  if (new Set(nonces).size !== nonces.length) breaches.push(["QUORUM", "a nonce was used twice"]);
  return breaches;
}

export function rows<T>(db: Db, sql: string): readonly T[] {
  return db.prepare<[], T>(sql).all();
}

export function one(db: Db, sql: string): number {
  return db.prepare<[], number>(sql).pluck().get() as number;
}
