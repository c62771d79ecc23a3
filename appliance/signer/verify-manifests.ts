/** CHAIN under the manifests: each holds the one before, and the rows that it was made of are still those that it tells of. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import { time as derTime } from "../../manifests/encoding/der-write.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Host } from "../../manifests/host.ts";
import { readBatchHead } from "../../manifests/records/batch-head.ts";
import { type Manifest, readManifest, requestPart } from "../../manifests/records/manifest.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { logsOf } from "./attest.ts";
import { goesOn, verifyPast } from "./past.ts";
import { listLines } from "./sealed-list.ts";
import type { Db } from "./store.ts";
import { timeStampHolds } from "./stored-time-stamp.ts";

/**
 * Every manifest in order, its request, its authorisation, its intents and seals, and the register; also the seals of a
 * batch that is not finished; before them what a store that was made anew knows of another one. Gives the number of manifests, gives way to other work. Refuses with CHAIN.
 */
export async function verifyManifests(host: Host, db: Db): Promise<number> {
  const journalled = toldManifests(db);
  const numbers = db.prepare<[], number>("SELECT number FROM manifests ORDER BY number").pluck().all();
  const reserved = db.prepare<[], number>("SELECT number FROM reservations ORDER BY number").pluck().all();
  const past = await verifyPast(db);
  const restart = goesOn(db);
  const first = restart?.next ?? 1;
  let previous =
    restart?.order ?? hex(db.prepare<[], Uint8Array>("SELECT genesis FROM box").pluck().get() as Uint8Array);
  for (const [at, number] of numbers.entries()) {
    const row = manifestRow(db, number);
    const manifest = readable(number, () => heldManifest(row, first + at, previous, journalled.get(number)));
    if (!timeStampHolds(db, number, manifest)) throw changed(number, "holds a changed time-stamp of its own");
    await verifySeals(db, number);
    await verifyList(host, db, manifest);
    // They refuse where one is not what the manifest names.
    for (const _ of logsOf(db, manifest));
    previous = hex(row.digest);
  }
  if (journalled.size !== numbers.length)
    throw new Refusal("CHAIN", `the store has lost manifest ${first + numbers.length}`);
  for (const number of reserved.slice(numbers.length)) {
    if (!timeStampHolds(db, number)) throw changed(number, "holds a changed time-stamp of its own");
    await verifySeals(db, number);
  }
  return past + numbers.length;
}

interface ManifestTold {
  readonly number: number;
  readonly digest: string;
  readonly file: string;
  readonly outcome: string;
}

function toldManifests(db: Db): ReadonlyMap<number, ManifestTold> {
  const records = db
    .prepare<[], string>("SELECT record FROM journal WHERE kind = 'manifest' ORDER BY sequence")
    .pluck();
  return new Map(
    records.all().map((record) => {
      const told = JSON.parse(record) as ManifestTold;
      return [told.number, told];
    }),
  );
}

interface ManifestRow {
  readonly number: number;
  readonly outcome: "sealed" | "aborted";
  readonly digest: Uint8Array;
  readonly emergency: Uint8Array | null;
  readonly p7m: Uint8Array;
  readonly registered: number | null;
  readonly approvers: string;
  readonly batch_digest: Uint8Array;
  readonly bytes: number;
  readonly count: number;
  readonly file_digest: Uint8Array;
  readonly head: string;
  readonly identity: Uint8Array;
  readonly reported: string;
  readonly submitter_certificate: Uint8Array;
  readonly submitter_key: Uint8Array;
  readonly submitter_name: string;
}

function manifestRow(db: Db, number: number): ManifestRow {
  const row = db
    .prepare<[number], ManifestRow>(
      `SELECT q.*, r.emergency, m.number, m.outcome, m.content_digest AS digest, m.p7m, a.approvers, g.number AS registered
       FROM manifests m JOIN reservations r USING (number) JOIN requests q ON q.id = r.request
       JOIN authorizations a ON a.challenge = r.challenge
       LEFT JOIN register g ON g.identity = q.identity AND g.number = m.number WHERE m.number = ?`,
    )
    .get(number);
  if (!row) throw changed(number, "has lost its request or authorisation");
  return row;
}

function heldManifest(row: ManifestRow, number: number, previous: string, told: ManifestTold | undefined): Manifest {
  if (!told) throw changed(row.number, "is not in the journal");
  const content = readSignedData(row.p7m).content ?? new Uint8Array(0);
  const digest = hex(row.digest);
  if (hex(sha256(content)) !== digest || hex(sha256(row.p7m)) !== told.file) throw changed(row.number, "was changed");
  if (told.digest !== digest || told.outcome !== row.outcome) throw changed(row.number, "is not what the journal says");
  const manifest = readManifest(content);
  if (row.number !== number || manifest.number !== number) throw changed(row.number, "has another number");
  if (manifest.previous !== previous) throw changed(number, "does not hold the digest of the one before");
  if (manifest.outcome !== row.outcome) throw changed(number, "has another outcome");
  if ((row.outcome === "sealed") !== (row.registered !== null)) {
    throw changed(number, "is not in the register of sealed batches as it must be");
  }
  if (canonical(madeOf(row)) !== canonical(tells(manifest)))
    throw changed(number, "is about another request or approval");
  return manifest;
}

/** What a manifest tells of the request and the approvals, and the same of the rows. */
function tells({ authorization, documents, emergency, mode, reported, request }: Manifest): Json {
  const { bytes, count, digestAlgorithm } = documents;
  const { approvers } = authorization;
  const declared = emergency?.order ?? null;
  return { approvers, bytes, count, declared, digestAlgorithm, mode, reported, request } as Json;
}

function madeOf(row: ManifestRow): Json {
  const head = readBatchHead(JSON.parse(row.head) as Json, "head");
  const { digestAlgorithm, mode } = head;
  const approvers = (JSON.parse(row.approvers) as { readonly [name: string]: Json }[]).map(
    ({ certificateSha256, name, person, signed }) => ({ certificate: certificateSha256, name, person, signed }),
  );
  const submitter = {
    certificate: hex(sha256(row.submitter_certificate)),
    key: hex(row.submitter_key),
    name: row.submitter_name,
  };
  const file = { digest: hex(row.batch_digest), file: hex(row.file_digest), identity: hex(row.identity) };
  const request = requestPart(head, { ...file, submitter });
  const reported = JSON.parse(row.reported) as Json;
  const declared = row.emergency ? hex(row.emergency) : null;
  return { approvers, bytes: row.bytes, count: row.count, declared, digestAlgorithm, mode, reported, request } as Json;
}

/** The list of the sealed documents, written again from the rows, is the one that the manifest names; so its root is too. */
async function verifyList(host: Host, db: Db, { number, documents }: Manifest): Promise<void> {
  const hasher = host.hasher("sha256");
  let lines = 0;
  for (const line of listLines(db, number)) {
    hasher.update(line);
    if (++lines % rowsAtOnce === 0) await new Promise(setImmediate);
  }
  const same = lines === documents.sealed && hex(await hasher.digest()) === documents.digest;
  if (!same) throw changed(number, "has other documents or seals than the store holds");
}

const rowsAtOnce = 500;

interface SealRow {
  readonly index: number;
  readonly signerInfo: Uint8Array;
  readonly sealDigest: Uint8Array;
  readonly attributes: Uint8Array | null;
  readonly time: Utc;
}

/** Each seal has its digest, and is over the attributes that were stored before it. */
async function verifySeals(db: Db, number: number): Promise<void> {
  const read = db.prepare<[number, number, number], SealRow>(
    `SELECT s.idx AS 'index', s.signer_info AS signerInfo, s.seal_digest AS sealDigest, i.attributes, i.time
     FROM signatures s LEFT JOIN intents i USING (number, idx) WHERE s.number = ? AND s.idx > ? ORDER BY s.idx LIMIT ?`,
  );
  for (let last = 0; ; ) {
    const rows = read.all(number, last, rowsAtOnce);
    for (const row of rows) {
      if (!holds(row)) throw changed(number, `holds a changed seal or intent of document ${row.index}`, row.index);
    }
    if (rows.length < rowsAtOnce) return;
    last = (rows.at(-1) as SealRow).index;
    await new Promise(setImmediate);
  }
}

function holds({ signerInfo, sealDigest, attributes, time }: SealRow): boolean {
  if (!attributes || hex(sha256(signerInfo)) !== hex(sealDigest)) return false;
  // In the SignerInfo the attributes carry another tag than where they are signed (RFC 5652 5.4).
  return contains(signerInfo, attributes.subarray(1)) && contains(attributes, derTime(time));
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(part);
}

/** What cannot be read any more was changed. */
function readable<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "CHAIN") throw fault;
    throw changed(number, `cannot be read: ${asRefusal(fault, "CHAIN", "what it is made of was changed").message}`);
  }
}

function changed(number: number, how: string, index?: number): Refusal {
  const about = index === undefined ? `manifest ${number}` : `manifest ${number} document ${index}`;
  return new Refusal("CHAIN", `manifest ${number} ${how}`, { about });
}
