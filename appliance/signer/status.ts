/** What the signer says of itself and of a batch; asked for often, so nothing here reads a whole list. */

import { sha256 } from "../../host/crypto-host.ts";
import { otherLinks } from "../../host/network-links.ts";
import { base64, equal, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { type BatchHead, kindOfHead } from "../../manifests/records/batch-head.ts";
import { keyEntries, mapKeys } from "../../manifests/records/key-purpose.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { acknowledgedTo, outstanding } from "./acknowledgements.ts";
import { unanchored } from "./anchors.ts";
import type { Batch } from "./batches.ts";
import { type Box, clockSetting, now } from "./box.ts";
import { claimedError } from "./clock.ts";
import { closingOf } from "./closing.ts";
import { type EmergencyLeft, emergencyLeft } from "./emergency.ts";
import { heldBy } from "./may-seal.ts";
import { readTries } from "./pin-tries.ts";
import { lastManifest } from "./receipt.ts";
import { retiredHolders } from "./retired-holders.ts";
import type { SealingWork } from "./seal-batch.ts";
import { keysAtHand, markOf } from "./standing.ts";

/** Health is proven where it can be (UX6): the last verified signature, not the wish. Never refuses. */
export function statusOf(box: Box, work: SealingWork): Json {
  const { policy, number, digest, genesis } = box.policies.inForce;
  const { sequence, digest: head } = box.journal.head();
  const tries = readTries(box.db);
  const last = lastManifest(box);
  const at = now(box);
  const running = work.now;
  const held = heldBy(box);
  const orders = box.orders.standing;
  return {
    appliance: box.facts.appliance,
    arc: policy.arc,
    locked: !box.lockbox.unlocked,
    policy: { number, digest: hex(digest) },
    genesis,
    manifests: { last, unacknowledged: Math.max(0, last - acknowledgedTo(box).number) },
    ledger: policy.ledger ? ledgerShown(box, policy.ledger) : null,
    journal: { sequence, head: hex(head) },
    clock: {
      now: at,
      lastSet: clockSetting(box).lastSet,
      claimedErrorSeconds: claimedError(clockSetting(box), policy.clock.driftPpm, at),
      refused: codeOf(() => box.clock.check(clockSetting(box), policy.clock)),
    },
    network: { links: linksOf(box), policy: policy.network },
    token: {
      present: box.hsm.present(),
      serial: box.hsm.serial,
      lastVerifiedSignature: lastSignature(box),
      silentSeconds: box.hsm.silentSeconds(),
    },
    work: running ? { ...running } : null,
    pin: { failures: tries.failures, waitUntil: tries.waitUntil },
    held: held ? { ...held.toRecord() } : null,
    orders: orders.last ?? { number: 0, digest: null },
    closing: orders.closing?.digest ?? null,
    emergency: emergencyShown(box),
    unanchored: policy.unanchored ? waitingShown(box, policy.unanchored) : null,
    closingDue: closingDue(box),
    recovered: orders.recovered ? { ...orders.recovered } : null,
    retention: policy.retention ? { ...policy.retention } : null,
    retired: [...retiredHolders(box)],
    suspended: orders.suspended ? { ...orders.suspended } : null,
    keys: { inForce: keysShown(box), found: [...box.keysFound], staged: stagedShown(box) },
    unlocked: policy.unlocked && box.lockbox.unlocked ? box.autoLock.left(policy.unlocked) : null,
    moved: box.moved,
    fault: box.fault ? { ...box.fault.toRecord() } : null,
    software: { ...box.software },
  };
}

/** Where the box stands with the ledger, what is outstanding, and how much of the policy's patience is left. */
function ledgerShown(box: Box, { origin, outstanding: limits }: NonNullable<Policy["ledger"]>): Json {
  const { number, root, size } = acknowledgedTo(box);
  return { ...outstanding(box), limits: limits ? { ...limits } : null, number, origin, root: hex(root), size };
}

/** What waits for evidence of time, and how much of the policy's patience is left. */
function waitingShown({ db }: Box, { hours, seals: limit }: NonNullable<Policy["unanchored"]>): Json {
  return { ...unanchored(db), hours, limit };
}

/** Numbers of orders that ended an emergency whose closing record was not signed yet: it is when the same order is given again. */
function closingDue({ db, orders }: Box): Json {
  const ended = orders.all().filter(({ order }) => order.kind === "end-emergency");
  return ended.map(({ order }) => order.number).filter((number) => !closingOf(db, number));
}

/** The emergency that is open, with the order's own bytes as text, so that others need not believe what is said of it. */
function emergencyShown(box: Box): Json {
  const { emergency } = box.orders.standing;
  if (!emergency) return null;
  const { digest, since } = emergency;
  const shown = { digest, order: box.orders.content(digest), since };
  try {
    const { limit, until, used } = emergencyLeft(box) as EmergencyLeft;
    return { ...shown, limit, refused: null, until, used };
  } catch (fault) {
    return { ...shown, limit: null, refused: asRefusal(fault, "INTERNAL", "a fault").message, until: null, used: null };
  }
}

function keysShown({ keys, token }: Box): Json {
  const shown = mapKeys(keys, ({ certificate, keyDigest }) => ({
    key: hex(keyDigest),
    notAfter: readCertificate(certificate).notAfter,
  }));
  return { ...shown, token: token.uri };
}

/** Keys that the policy in force does not name, and how they stand. */
function stagedShown(box: Box): Json {
  const { standing } = box.orders;
  const inForce = keyEntries(box.keys).map(([, { spki }]) => spki);
  return keysAtHand(box.configured, standing)
    .filter(({ spki }) => !inForce.some((one) => equal(one, spki)))
    .map(({ purpose, spki, uri, token, chain }) => ({
      purpose,
      key: hex(sha256(spki)),
      spki: base64(spki),
      state: markOf(standing, spki)?.state ?? (chain.length > 0 ? "ready" : "without certificate"),
      token: token.uri,
      uri,
    }));
}

/** What a batch says of itself; plain envelopes have neither id nor purpose. */
export function aboutOf(head: BatchHead) {
  const { expires, mode } = head;
  const named = head.type === "plain-envelopes" ? { batch: null, purpose: null } : head;
  return { batch: named.batch, expires, kind: kindOfHead(head), mode, purpose: named.purpose };
}

/** A batch as the daemon and the operators see it. */
export function batchStatus(box: Box, work: SealingWork, batch: Batch): Json {
  const batchDigest = hex(batch.batchDigest);
  const challenge = box.batches.challenge(batch);
  const running = work.now?.batchDigest === batchDigest ? work.now : undefined;
  const { number, done, bytes } = running
    ? { ...running, number: box.batches.number(batch) }
    : box.batches.progress(batch);
  return {
    batchDigest,
    state: box.batches.state(batch),
    folder: batch.folder,
    challenge: new TextDecoder().decode(challenge.content),
    number,
    done,
    count: batch.count,
    bytes: batch.bytes,
    bytesDone: bytes,
    ...aboutOf(batch.head),
    submitter: { name: batch.submitterName, certificate: hex(sha256(batch.submitterCertificate)) },
    earlierSeals: challenge.earlier,
    released: number !== null && box.batches.released(number),
    submitted: batch.submitted,
    id: batch.id,
  };
}

function codeOf(check: () => void): string | null {
  try {
    check();
    return null;
  } catch (fault) {
    return asRefusal(fault, "INTERNAL", "a fault").code;
  }
}

function linksOf(box: Box): Json {
  try {
    return [...otherLinks(box.readLinks)];
  } catch {
    return null;
  }
}

/** When the token last made a signature that verified and was stored. */
function lastSignature(box: Box): string | null {
  const time = box.db
    .prepare<[], string>("SELECT time FROM journal WHERE kind = 'manifest' ORDER BY sequence DESC LIMIT 1")
    .pluck()
    .get();
  return time ?? null;
}
