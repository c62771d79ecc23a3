/**
 * INTENT-FIRST of the box's own time-stamp, where the policy names a `time` key: one token a sealed batch, over the tree of its seals. The exact TSTInfo and
 * signed attributes are durable before the token sees them, under a serial number that is the manifest's: a crash signs the same bytes again, never others.
 */

import { digestOf, sha256 } from "../../host/crypto-host.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { equal, fromBase64, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import {
  checkLocalToken,
  localTimeAttributes,
  localToken,
  localTstInfo,
  mostAccuracySeconds,
  type StampedTree,
} from "../../manifests/time/local-time.ts";
import { readTstInfo } from "../../manifests/time/tst-info.ts";
import type { Batch } from "./batches.ts";
import { type Box, checkSound, clockSetting, now } from "./box.ts";
import { claimedError } from "./clock.ts";
import { type BoxKey, certifiedKey } from "./keys.ts";
import { checkUsable } from "./may-seal.ts";
import type { Reservation } from "./reserve.ts";
import { checkCertificates, newer } from "./reserved-keys.ts";
import type { ListDigests } from "./sealed-list.ts";
import type { Db } from "./store.ts";
import { storedTimeIntent, storedTimeStamp, type TimeIntent } from "./stored-time-stamp.ts";

/** Refuses with KEY-STATE, PATH-TIME, PATH-REVOKED or CLOCK what would leave a batch without its time-stamp at the end: asked before it is begun or gone on with. */
export function checkMayStamp(box: Box, batch: Batch): void {
  const { time } = box.keys;
  if (!time || box.batches.ending(batch)) return;
  checkUsable(box, time);
  const number = box.batches.number(batch);
  // What was said under its certificate stays said.
  if (number !== null && storedTimeIntent(box.db, number)) return;
  keyNow(box, time, now(box));
  accuracyAt(box, now(box));
}

/**
 * Stamps the tree of a batch that is sealed to its end, once; nothing where the policy names no `time` key. Durable on return. Refuses with what `checkMayStamp`
 * refuses, LOCKED, HSM codes, HSM-SIGNATURE, INTENT-FIRST; the next call goes on with what is stored.
 */
export async function stampTree(box: Box, { batch, number }: Reservation, list: ListDigests): Promise<void> {
  const { time } = box.keys;
  if (!time || storedTimeStamp(box.db, number)) return;
  if (list.count !== batch.count) {
    throw new Refusal("INTERNAL", "a time-stamp before every document is sealed", { about: `${number}` });
  }
  const tree = { oids: box.policies.oids, root: list.root, number };
  const stored = storedTimeIntent(box.db, number);
  const intent = stored ? checked(stored, tree) : commit(box, tree, time);
  const token = await sign(box, intent, tree);
  box.db.transaction(() => {
    checkSound(box);
    box.db.prepare("INSERT INTO time_stamps (number, token) VALUES (?, ?)").run(number, token);
  })();
}

/** The manifest's member: none of an aborted batch, nor where the policy names no `time` key. */
export function timePart(db: Db, number: number, isAborted: boolean): Pick<Manifest, "time"> {
  const token = isAborted ? undefined : storedTimeStamp(db, number);
  const intent = token && storedTimeIntent(db, number);
  if (!token || !intent) return {};
  const { certificateDigest, keyDigest } = keyOf(intent);
  return { time: { certificate: hex(certificateDigest), file: hex(sha256(token)), key: hex(keyDigest) } };
}

/** The chain of the key that stamped a number, or is to stamp it; undefined where nothing was stored. */
export function stampingChain(db: Db, number: number): readonly Uint8Array[] | undefined {
  const intent = storedTimeIntent(db, number);
  return intent && keyOf(intent).chain;
}

/** A new intent, durable on return. */
function commit(box: Box, tree: StampedTree, key: BoxKey): TimeIntent {
  const at = now(box);
  box.clock.check(clockSetting(box), box.policies.inForce.policy.clock);
  const { chain, suite } = keyNow(box, key, at);
  const info = localTstInfo({ ...tree, time: at, accuracySeconds: accuracyAt(box, at) });
  const certificates = canonical(chain.map((der) => der.toBase64()));
  const attributes = attributesOf({ certificates, info, suite: suite.name }, at);
  const intent = { attributes, certificates, info, suite: suite.name };
  box.db.transaction(() => {
    checkSound(box);
    box.record("time-stamp", {
      attributes: hex(sha256(attributes)),
      certificates: hex(sha256(utf8(certificates))),
      info: hex(sha256(info)),
      number: tree.number,
      suite: suite.name,
    });
    box.db
      .prepare("INSERT INTO time_intents (number, suite, certificates, info, attributes) VALUES (?, ?, ?, ?, ?)")
      .run(tree.number, suite.name, certificates, info, attributes);
  })();
  return intent;
}

/** A stored intent is signed again only as what it must be: a changed row is refused. */
function checked(intent: TimeIntent, tree: StampedTree): TimeIntent {
  const { accuracy = 0, time } = readTstInfo(intent.info);
  const info = localTstInfo({ ...tree, time, accuracySeconds: accuracy / 1000 });
  if (equal(info, intent.info) && equal(attributesOf(intent, time), intent.attributes)) return intent;
  const about = `${tree.number}`;
  throw new Refusal("INTENT-FIRST", `the stored intent of the time-stamp of manifest ${about} was changed`, { about });
}

/** The token, verified with the intent's own certificate before it counts. */
async function sign(box: Box, intent: TimeIntent, tree: StampedTree): Promise<Uint8Array> {
  const key = keyOf(intent);
  checkUsable(box, key);
  const { attributes, info } = intent;
  return box.lockbox.guard(async () => {
    const [signature] = await box.lockbox.sign("time", key.suite, [attributes]);
    if (!signature) throw new Refusal("HSM-SIGNATURE", "the token gave no signature");
    const token = localToken({ info, attributes, chain: key.chain, suite: key.suite, signature });
    try {
      await checkLocalToken(box.host, token, tree);
    } catch (cause) {
      throw new Refusal("HSM-SIGNATURE", "the token gave a signature that does not verify", { cause });
    }
    return token;
  });
}

function attributesOf(intent: Omit<TimeIntent, "attributes">, time: Utc): Uint8Array {
  const { certificateDigest, suite } = keyOf(intent);
  const messageDigest = digestOf(suite.hash, intent.info);
  return localTimeAttributes({ time, messageDigest, certificateDigest, suite });
}

function keyOf({ certificates, suite }: Pick<TimeIntent, "certificates" | "suite">): BoxKey {
  return certifiedKey((JSON.parse(certificates) as string[]).map(fromBase64), suiteOf(suite));
}

/** The key with certificates that count at `at`. Refuses with PATH-TIME, PATH-REVOKED. */
function keyNow(box: Box, key: BoxKey, at: Utc): BoxKey {
  const { policy } = box.policies.inForce;
  const newest = newer(box, key, policy);
  checkCertificates(newest, policy, at);
  return newest;
}

/** CLOCK: as far as the box's time may be off by its own claim. */
function accuracyAt(box: Box, at: Utc): number {
  const error = claimedError(clockSetting(box), box.policies.inForce.policy.clock.driftPpm, at);
  if (error <= mostAccuracySeconds) return error;
  throw new Refusal("CLOCK", "the clock may be too far off for a time-stamp", {
    expected: `at most ${mostAccuracySeconds} s`,
    got: `${error} s`,
  });
}
