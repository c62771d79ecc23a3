/**
 * Acknowledgements that came back from the ledger which the policy names: how far it holds the box's manifests, under which checkpoint, and what is outstanding
 * (docs/formats.md, "ack.p7m"). A checkpoint only ever grows, by proof, from the one that stands here.
 */

import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import {
  type Acknowledged,
  type Acknowledgement,
  checkAcknowledgement,
  mostAcknowledged,
  nothingAcknowledged,
  reportedOf,
} from "../../manifests/log/acknowledgement.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, checkSound, now } from "./box.ts";
import { goesOn, lastPast } from "./past.ts";
import { lastManifest } from "./receipt.ts";
import type { Db } from "./store.ts";
import { storedContentDigest, storedManifest } from "./stored-manifest.ts";

/**
 * Takes an acknowledgement. Gives the highest number that is acknowledged now; durable on return. The same one again changes nothing. Refuses as
 * `checkAcknowledgement`, and ACKNOWLEDGEMENT what is not of this box's manifests: one that it did not make, made otherwise, or that is left out below the number
 * that the ledger claims; and a ledger that claims less than before. BUSY where another came in meanwhile.
 */
export async function takeAcknowledgement(box: Box, p7m: Uint8Array): Promise<number> {
  checkSound(box);
  const { db, host, policies } = box;
  const { inForce } = policies;
  const from = acknowledgedTo(box);
  const file = sha256(p7m);
  if (db.prepare<[Uint8Array], number>("SELECT 1 FROM acknowledgements WHERE file = ?").pluck().get(file)) {
    return from.number;
  }
  const { policy, genesis } = inForce;
  const { acknowledgement, checkpoint } = await checkAcknowledgement(host, p7m, { policy, genesis, from });
  const { root, size } = checkpoint;
  const { origin } = acknowledgement;
  const number = reached(box, acknowledgement, from.number);
  if (number === from.number && size === from.size) return number;
  db.transaction(() => {
    checkSound(box);
    const stands = acknowledgedTo(box);
    if (policies.inForce !== inForce || stands.size !== from.size || stands.number !== from.number) {
      throw new Refusal("BUSY", "another acknowledgement or policy came in meanwhile: bring this one again");
    }
    insertAcknowledgement(box, { file, number, origin, p7m, root, size });
  })();
  return number;
}

export interface TakenAcknowledgement extends Acknowledged {
  /** SHA-256 of the file */
  readonly file: Uint8Array;
  readonly origin: string;
  readonly p7m: Uint8Array;
}

/** Stores one that was verified, with its journal row, in the caller's transaction. */
export function insertAcknowledgement(
  { db, record }: { readonly db: Db; record(kind: "acknowledged", record: AcknowledgedRow): unknown },
  { file, number, origin, p7m, root, size }: TakenAcknowledgement,
): void {
  const id = db
    .prepare("INSERT INTO acknowledgements (file, origin, number, size, root, p7m) VALUES (?, ?, ?, ?, ?, ?)")
    .run(file, origin, number, size, root, p7m).lastInsertRowid;
  record("acknowledged", { file: hex(file), id: Number(id), number, origin, root: hex(root), size });
}

/** The last that came in, of whatever log. */
export function lastAcknowledgement(db: Db): Pick<TakenAcknowledgement, "file" | "p7m"> | undefined {
  return db
    .prepare<[], Pick<TakenAcknowledgement, "file" | "p7m">>(
      "SELECT file, p7m FROM acknowledgements ORDER BY id DESC LIMIT 1",
    )
    .get();
}

/** As the journal tells of one. */
export type AcknowledgedRow = {
  readonly file: string;
  readonly id: number;
  readonly number: number;
  readonly origin: string;
  readonly root: string;
  readonly size: number;
};

/**
 * Where the box stands with the log that the policy in force names: by the last acknowledgement of it or, in a store that was made anew, by what the last
 * manifest of the lost one said.
 */
export function acknowledgedTo(box: Pick<Box, "db" | "policies">): Acknowledged {
  const origin = box.policies.inForce.policy.ledger?.origin;
  if (origin === undefined) return nothingAcknowledged;
  const row = box.db
    .prepare<[string], Acknowledged>(
      "SELECT number, size, root FROM acknowledgements WHERE origin = ? ORDER BY id DESC LIMIT 1",
    )
    .get(origin);
  return row ?? reportedBefore(box, origin);
}

/** What a manifest says of it; nothing before the first acknowledgement, and where the policy names no ledger. */
export function acknowledgedPart(box: Pick<Box, "db" | "policies">): Pick<Manifest, "acknowledged"> {
  const { number, root, size } = acknowledgedTo(box);
  return size === 0 ? {} : { acknowledged: { number, root: hex(root), size } };
}

export interface Outstanding {
  /** manifests that are not acknowledged */
  readonly manifests: number;
  /** when the first of them was made, as the box claims; null where there is none */
  readonly since: Utc | null;
}

/** What waits for an acknowledgement. */
export function outstanding(box: Pick<Box, "db" | "policies">): Outstanding {
  const { number } = acknowledgedTo(box);
  const row = box.db
    .prepare<[number, number], { manifests: number; first: number | null }>(
      `SELECT count(*) AS manifests, min(number) AS first FROM (
         SELECT number FROM manifests WHERE number > ? UNION ALL SELECT number FROM recovered WHERE number > ?)`,
    )
    .get(number, number);
  const { first = null, manifests = 0 } = row ?? {};
  return { manifests, since: first === null ? null : (storedManifest(box.db, first)?.created ?? null) };
}

/** Refuses with UNACKNOWLEDGED where one more manifest, or the age of the first that waits, is over what the policy lets wait. */
export function checkMayGoOn(box: Box): void {
  const rule = box.policies.inForce.policy.ledger?.outstanding;
  if (!rule) return;
  const { manifests, since } = outstanding(box);
  if (manifests + 1 > rule.manifests) {
    throw new Refusal("UNACKNOWLEDGED", "too many manifests would wait for the ledger's acknowledgement", {
      expected: `at most ${rule.manifests} after manifest ${acknowledgedTo(box).number}`,
      got: `${manifests + 1}`,
    });
  }
  const until = since && utcOf(Date.parse(since) + rule.hours * 3_600_000);
  if (until === null || now(box) < until) return;
  throw new Refusal("UNACKNOWLEDGED", "a manifest has waited for the ledger's acknowledgement too long", {
    expected: `an acknowledgement of a manifest after number ${acknowledgedTo(box).number}, before ${until}`,
    got: now(box),
  });
}

/** The highest number of those that are acknowledged without leaving out any that the box has. */
function reached(box: Box, { acknowledged, number: claimed }: Acknowledgement, from: number): number {
  if (claimed < from) {
    throw new Refusal("ACKNOWLEDGEMENT", "the ledger claims to hold less than it acknowledged before", {
      expected: `manifest ${from} or more`,
      got: `${claimed}`,
    });
  }
  const last = Math.max(lastManifest(box), (goesOn(box.db)?.next ?? 1) - 1);
  if (claimed > last) {
    throw new Refusal("ACKNOWLEDGEMENT", "the ledger claims a manifest that this box did not make", {
      expected: `at most ${last}`,
      got: `${claimed}`,
    });
  }
  for (const one of acknowledged) checkOwn(box, one);
  const named = new Set(acknowledged.map(({ number }) => number));
  // Of many the lowest numbers are named first, and the others when these were taken.
  const to = acknowledged.length < mostAcknowledged ? claimed : Math.max(...named);
  const left = firstWithout(box.db, { from, to }, named);
  if (left !== undefined) {
    throw new Refusal("ACKNOWLEDGEMENT", "the acknowledgement leaves out a manifest of this box", {
      expected: `manifest ${left}`,
      about: `manifest ${left}`,
    });
  }
  return Math.max(from, ...named);
}

/** The first number after `from`, up to `to`, of a manifest that the box has and that is not named. */
function firstWithout(
  db: Db,
  { from, to }: { from: number; to: number },
  named: ReadonlySet<number>,
): number | undefined {
  const own = db
    .prepare<[number, number, number, number], number>(
      `SELECT number FROM manifests WHERE number > ? AND number <= ?
       UNION SELECT number FROM recovered WHERE number > ? AND number <= ? ORDER BY number`,
    )
    .pluck();
  for (const number of own.iterate(from, to, from, to)) if (!named.has(number)) return number;
  return undefined;
}

/** A number that the loss of a disk left unexplained may be one that the ledger holds: of that nothing is known here. */
function checkOwn({ db }: Box, { digest, number }: Acknowledgement["acknowledged"][number]): void {
  const own = storedContentDigest(db, number);
  if (!own || hex(own) === digest) return;
  throw new Refusal("ACKNOWLEDGEMENT", `the ledger holds another manifest ${number} than this box made`, {
    expected: hex(own),
    got: digest,
    about: `manifest ${number}`,
  });
}

/** What the last manifest of a lost store said of this log, by the policy that it names. */
function reportedBefore({ db, policies }: Pick<Box, "db" | "policies">, origin: string): Acknowledged {
  const past = lastPast(db);
  const manifest = past === 0 ? undefined : storedManifest(db, past);
  if (!manifest?.acknowledged) return nothingAcknowledged;
  return reportedOf(manifest.acknowledged, policies.byNumber(manifest.policy.number).policy, origin);
}
