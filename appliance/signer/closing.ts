/** The closing record of an emergency that officers ended: composed from the signer's own store, signed by the audit key, kept and given out again. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import {
  type ClosedManifest,
  type Closing,
  checkClosing,
  closedManifest,
  closingBytes,
  closingRoot,
} from "../../manifests/records/closing.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { cut, merged, type NumberRange, rangesOf } from "../../manifests/records/number-ranges.ts";
import type { OrderOf } from "../../manifests/records/order.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { signByAudit } from "./manifest.ts";
import type { TakenOrder } from "./standing.ts";
import type { Db } from "./store.ts";

export interface SignedClosing {
  /** SHA-256 of the content */
  readonly digest: Uint8Array;
  readonly p7m: Uint8Array;
}

/** An order that the box took, of one kind. */
type Taken<K extends TakenOrder["order"]["kind"]> = TakenOrder & { readonly order: OrderOf<K> };

/** The record of the emergency that this order ended. Nothing is stored. Refuses with CHAIN, LOCKED, KEY-STATE, HSM codes. */
export async function signClosing(box: Box, ended: Taken<"end-emergency">): Promise<SignedClosing> {
  const closing = await compose(box, ended);
  // What no verifier would take is not signed.
  await checkClosing(box.host, closing);
  const content = closingBytes(closing);
  const p7m = await signByAudit(box, box.keys.audit, box.policies.oids.closing, content, now(box));
  return { digest: sha256(content), p7m };
}

/** Stores it in the caller's transaction, under the number of the order that ended the emergency. */
export function storeClosing(box: Box, number: number, { digest, p7m }: SignedClosing): void {
  box.db.prepare("INSERT INTO closings (number, digest, p7m) VALUES (?, ?, ?)").run(number, digest, p7m);
  box.record("closing", { digest: hex(digest), file: hex(sha256(p7m)), number });
}

/** The closing record that an order left, by the order's number. */
export function closingOf(db: Db, number: number): Uint8Array | undefined {
  return db.prepare<[number], Uint8Array>("SELECT p7m FROM closings WHERE number = ?").pluck().get(number);
}

/** All of them, by the numbers of their orders. */
export function storedClosings(db: Db): readonly { readonly number: number; readonly p7m: Uint8Array }[] {
  return db.prepare<[], { number: number; p7m: Uint8Array }>("SELECT number, p7m FROM closings ORDER BY number").all();
}

async function compose(box: Box, ended: Taken<"end-emergency">): Promise<Closing> {
  const orders = box.orders.all();
  const declared = orders.find(({ digest }) => digest === ended.order.what.declaration);
  if (!declared || !isDeclaring(declared)) {
    throw new Refusal("CHAIN", "the store has lost the order that declared the emergency", {
      about: ended.order.what.declaration,
    });
  }
  const manifests = closedManifests(box.db, declared.digest);
  const since = orders.flatMap(({ order }) =>
    order.kind === "recover" && order.number > declared.order.number ? [order.what.manifests.missing] : [],
  );
  const missing = withoutKnown(box.db, merged(since.flat()));
  const { digest, genesis, number } = box.policies.inForce;
  const head = box.journal.head();
  return {
    appliance: box.facts.appliance,
    cause: declared.order.what.cause,
    created: now(box),
    declared: { number: declared.order.number, order: declared.digest, since: declared.time },
    ended: { number: ended.order.number, order: ended.digest, time: ended.time },
    journal: { head: hex(head.digest), sequence: head.sequence },
    manifests,
    ...(missing.length > 0 ? { missing } : {}),
    ...(since.length > 0 ? { recoveries: since.length } : {}),
    policy: { digest: hex(digest), genesis, number },
    root: hex(await closingRoot(box.host, manifests)),
    seals: manifests.reduce((sum, { seals }) => sum + seals, 0),
    text: declared.order.what.text,
    type: "closing",
    version: 1,
  };
}

function isDeclaring(taken: TakenOrder): taken is Taken<"declare-emergency"> {
  return taken.order.kind === "declare-emergency";
}

function closedManifests(db: Db, declaration: string): readonly ClosedManifest[] {
  const digest = fromHex(declaration);
  const rows = db
    .prepare<[Uint8Array, Uint8Array], { digest: Uint8Array; number: number; p7m: Uint8Array }>(
      `SELECT m.number, m.content_digest AS digest, m.p7m FROM manifests m JOIN reservations r USING (number) WHERE r.emergency = ?
       UNION ALL SELECT v.number, v.content_digest, f.bytes FROM recovered v JOIN recovered_files f USING (number)
         WHERE v.emergency = ? AND f.path = 'manifest.p7m' ORDER BY 1`,
    )
    .all(digest, digest);
  return rows.map((row) => {
    const manifest = readManifest(readSignedData(row.p7m).content ?? new Uint8Array(0));
    return closedManifest({ ...manifest, number: row.number }, hex(row.digest));
  });
}

/** What of these ranges is in no manifest that is at hand by now; whether it was of the emergency, nobody knows. */
function withoutKnown(db: Db, ranges: readonly NumberRange[]): readonly NumberRange[] {
  const [first, last] = [ranges[0]?.from ?? 0, ranges.at(-1)?.to ?? 0];
  const known = db
    .prepare<[number, number, number, number], number>(
      `SELECT number FROM manifests WHERE number BETWEEN ? AND ?
       UNION SELECT number FROM recovered WHERE number BETWEEN ? AND ? ORDER BY 1`,
    )
    .pluck()
    .iterate(first, last, first, last);
  return [...cut(ranges, rangesOf(known))].flatMap(({ inside, ...range }) => (inside ? [] : [range]));
}
