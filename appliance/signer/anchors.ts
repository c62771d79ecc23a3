/**
 * Evidence of time that came back on media: how far the chain of manifests is anchored, and how much more may be sealed before it is (the policy's `unanchored`).
 * What is over a manifest is, by the links, over all before it.
 */

import { sha256 } from "../../host/crypto-host.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEvidence } from "../../manifests/time/check-evidence.ts";
import { checkAnchored } from "../../manifests/time/local-time.ts";
import { authorityPath, type TimeStamp } from "../../manifests/time/token.ts";
import { latestOf } from "../../manifests/verify/time-evidence.ts";
import { type Box, checkSound, now } from "./box.ts";
import { pastAudit } from "./past.ts";
import { manifestOf, reservationOf } from "./receipt.ts";
import { listLines } from "./sealed-list.ts";
import type { Db } from "./store.ts";
import { storedManifest } from "./stored-manifest.ts";

/**
 * Takes an evidence record (DER) over the record of a manifest: authorization.p7m, documents.jsonl, manifest.p7m. Gives the number that the chain is anchored to; durable
 * on return. Refuses with UNANCHORED where the policy names no authorities, BATCH-UNKNOWN a number without manifest, TIME-* what is over something else or the box's
 * own, PATH-* an authority without a path to a root of the policy.
 */
export async function takeAnchor(box: Box, number: number, der: Uint8Array): Promise<number> {
  checkSound(box);
  const { keys } = box;
  const { policy } = box.policies.inForce;
  if (!policy.unanchored) {
    throw new Refusal("UNANCHORED", "the policy in force names no time-stamp authorities", {
      expected: "policy.unanchored, with their roots",
    });
  }
  const known = box.db.prepare<[number], Uint8Array>("SELECT der FROM anchors WHERE number = ?").pluck().get(number);
  if (known) return anchoredTo(box.db);
  const parts = recordOf(box, number);
  const group = (hash: HashName) => Promise.all(parts.map((part) => digestOf(box, hash, part)));
  const stamps = await checkEvidence(box.host, der, group);
  await checkAnchored(box.host, stamps, {
    policy: box.policies.oids.localTime,
    key: keys.time ? hex(keys.time.keyDigest) : undefined,
  });
  for (const [at, stamp] of stamps.entries()) {
    const next = stamps[at + 1];
    const seen = next ? latestOf(next.info) : now(box);
    await authorityPath(box.host, stamp, { roots: policy.unanchored.roots, seen });
  }
  const time = latestOf((stamps[0] as TimeStamp).info);
  box.db.transaction(() => {
    checkSound(box);
    box.db.prepare("INSERT INTO anchors (number, der, time) VALUES (?, ?, ?)").run(number, der, time);
    box.record("anchored", { digest: hex(sha256(der)), number, time });
  })();
  return anchoredTo(box.db);
}

/** The highest number that evidence is over; 0 where none came in. */
export function anchoredTo(db: Db): number {
  return db.prepare<[], number>("SELECT coalesce(max(number), 0) FROM anchors").pluck().get() as number;
}

export interface Unanchored {
  readonly anchored: number;
  /** seals that count beyond it */
  readonly seals: number;
  /** when the first of them was made, as the box claims; null where there is none */
  readonly since: Utc | null;
}

/** What is not anchored yet. */
export function unanchored(db: Db): Unanchored {
  const anchored = anchoredTo(db);
  const row = db
    .prepare<[number, number], { seals: number; first: number | null }>(
      `SELECT coalesce(sum(seals), 0) AS seals, min(number) AS first FROM (
         SELECT m.number, q.count AS seals FROM manifests m JOIN reservations r USING (number) JOIN requests q ON q.id = r.request
           WHERE m.outcome = 'sealed' AND m.number > ?
         UNION ALL SELECT v.number, (SELECT count(*) FROM recovered_documents d WHERE d.number = v.number) FROM recovered v
           WHERE v.outcome = 'sealed' AND v.number > ?)`,
    )
    .get(anchored, anchored);
  const { first = null, seals = 0 } = row ?? {};
  return { anchored, seals, since: first === null ? null : (storedManifest(db, first)?.created ?? null) };
}

/** Refuses with UNANCHORED where so many more seals, or the age of the first that is not anchored, are over what the policy lets wait. */
export function checkMayWait(box: Box, more: number): void {
  const rule = box.policies.inForce.policy.unanchored;
  if (!rule) return;
  const { anchored, seals, since } = unanchored(box.db);
  if (seals + more > rule.seals) {
    throw new Refusal("UNANCHORED", "too many seals would wait for evidence of time", {
      expected: `at most ${rule.seals} after manifest ${anchored}`,
      got: `${seals + more}`,
    });
  }
  const until = since && utcOf(Date.parse(since) + rule.hours * 3_600_000);
  if (until === null || now(box) < until) return;
  throw new Refusal("UNANCHORED", "seals have waited for evidence of time too long", {
    expected: `evidence over a manifest after number ${anchored}, before ${until}`,
    got: now(box),
  });
}

/** The files that evidence of a batch is over, as the box gives them out. Refuses with BATCH-UNKNOWN. */
function recordOf(box: Box, number: number): readonly (() => Iterable<Uint8Array>)[] {
  const past = [...pastAudit(box.db, number)];
  if (past.length > 0)
    return past.map(({ bytes }) => () => [bytes]);
  const { p7m } = manifestOf(box, number);
  const { authorization } = reservationOf(box, number);
  return [() => [authorization], () => listLines(box.db, number), () => [p7m]];
}

async function digestOf(box: Box, hash: HashName, part: () => Iterable<Uint8Array>): Promise<Uint8Array> {
  const hasher = box.host.hasher(hash);
  for (const piece of part()) hasher.update(piece);
  return hasher.digest();
}
