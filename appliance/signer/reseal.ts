/**
 * SEAL-ONCE and its one exception: a compromise. What a compromised key sealed may be sealed once more, where a quorum's order lists its
 * manifest; the manifest that is made then stands on no list.
 */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import type { OrderWhat } from "../../manifests/records/order.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import { Orders } from "./orders.ts";
import { compromiseOf } from "./standing.ts";
import type { Db } from "./store.ts";

/** The manifest that sealed a batch of this identity, unless a re-sealing list names it. */
export function sealedAs(
  { batches, orders }: Pick<Box, "batches" | "orders">,
  identity: Uint8Array,
): number | undefined {
  const number = batches.sealedAs(identity);
  return number !== undefined && orders.standing.resealed.includes(number) ? undefined : number;
}

/** Every manifest that this key (SHA-256 of its SubjectPublicKeyInfo, hex) sealed for or signed, in the order of their numbers. */
export function* madeBy({ db, orders }: Pick<Box, "db" | "orders">, key: string): Generator<Json> {
  for (const { created, documents, keys, number, outcome, request } of manifests(db)) {
    const [sealing, audit] = [keys.sealing.key === key, keys.audit.key === key];
    if (!sealing && !audit) continue;
    const named = request.kind === "signed-request" ? request : { batch: null, purpose: null };
    yield {
      audit,
      batch: named.batch,
      batchDigest: request.digest,
      created,
      listed: orders.standing.listed.includes(number),
      number,
      outcome,
      purpose: named.purpose,
      sealed: documents.sealed,
      sealing,
      submitter: request.submitter.name,
    };
  }
}

/**
 * Refuses with KEY-STATE a key that was not revoked for compromise since that very time, and ORDER a list with a number that is listed
 * already, out of its order, unknown, aborted, of another key, or made before the key was in other hands.
 */
export function checkReseal({ db, orders }: Pick<Box, "db" | "orders">, what: OrderWhat<"reseal">): void {
  const known = compromiseOf(orders.standing, what.key);
  if (!known || known.since !== what.since) {
    throw new Refusal("KEY-STATE", "the key was not revoked for compromise since this time", {
      expected: `keyCompromise since ${what.since ?? "an unknown time"}`,
      got: known ? `keyCompromise since ${known.since ?? "an unknown time"}` : "not revoked for that",
    });
  }
  const all = new Map([...manifests(db)].map((one) => [one.number, one]));
  const key = hex(sha256(what.key));
  for (const [at, number] of what.manifests.entries()) {
    const why = whyNot(all.get(number), { ...what, key }) ?? misplaced(what.manifests, at, orders.standing.resealed);
    if (why)
      throw new Refusal("ORDER", `manifest ${number} cannot stand on a re-sealing list: ${why}`, {
        about: `manifest ${number}`,
      });
  }
}

/** Refuses with CHAIN a batch that was sealed again though no list permits it. */
export function checkResealed(db: Db): void {
  const lists = new Orders(db).standing.listed;
  const earlier = db
    .prepare<[], number>(
      `WITH sealed (number, identity) AS (
         SELECT number, identity FROM register UNION ALL SELECT number, identity FROM recovered WHERE outcome = 'sealed')
       SELECT a.number FROM sealed a WHERE EXISTS (SELECT 1 FROM sealed b WHERE b.identity = a.identity AND b.number > a.number)`,
    )
    .pluck();
  const unlisted = earlier.all().find((number) => !lists.includes(number));
  if (unlisted === undefined) return;
  throw new Refusal("CHAIN", `what manifest ${unlisted} sealed was sealed again, and no order permits it`, {
    about: `manifest ${unlisted}`,
  });
}

function whyNot(
  manifest: Manifest | undefined,
  { key, since }: { readonly key: string; readonly since: string | null },
): string | undefined {
  if (!manifest) return "there is none of this number";
  if (manifest.outcome !== "sealed") return "it was aborted";
  if (manifest.keys.sealing.key !== key && manifest.keys.audit.key !== key) return "it was made by other keys";
  return since !== null && manifest.created < since ? `it was made at ${manifest.created}, before ${since}` : undefined;
}

function misplaced(numbers: readonly number[], at: number, listed: readonly number[]): string | undefined {
  if (at > 0 && (numbers[at - 1] as number) >= (numbers[at] as number)) return "numbers must rise";
  return listed.includes(numbers[at] as number) ? "it stands on one already" : undefined;
}

function* manifests(db: Db): Generator<Manifest> {
  const all = db
    .prepare<[], Uint8Array>(
      `SELECT bytes FROM (SELECT number, bytes FROM recovered_files WHERE path = 'manifest.p7m'
       UNION ALL SELECT number, p7m FROM manifests) ORDER BY number`,
    )
    .pluck();
  for (const p7m of all.all()) yield readManifest(readSignedData(p7m).content ?? new Uint8Array(0));
}
