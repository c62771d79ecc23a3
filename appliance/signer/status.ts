/** What the signer says of itself and of a batch; asked for often, so nothing here reads a whole list. */

import { sha256 } from "../../host/crypto-host.ts";
import { otherLinks } from "../../host/network-links.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { type BatchHead, kindOfHead } from "../../manifests/records/batch-head.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import type { Batch } from "./batches.ts";
import { type Box, now } from "./box.ts";
import { claimedError } from "./clock.ts";
import { readTries } from "./pin-tries.ts";
import { lastManifest } from "./receipt.ts";
import type { SealingWork } from "./seal-batch.ts";

/** Health is proven where it can be (UX6): the last verified signature, not the wish. Never refuses. */
export function statusOf(box: Box, work: SealingWork): Json {
  const { policy, number, digest, genesis } = box.policies.inForce;
  const { sequence, digest: head } = box.journal.head();
  const tries = readTries(box.db);
  const last = lastManifest(box);
  const at = now(box);
  const running = work.now;
  return {
    appliance: box.facts.appliance,
    locked: !box.lockbox.unlocked,
    policy: { number, digest: hex(digest) },
    genesis,
    // Acknowledgements come with the ledger; until then none is there.
    manifests: { last, unacknowledged: last },
    journal: { sequence, head: hex(head) },
    clock: {
      now: at,
      lastSet: box.facts.clock.lastSet,
      claimedErrorSeconds: claimedError(box.facts.clock, policy.clock.driftPpm, at),
      refused: codeOf(() => box.clock.check(box.facts.clock, policy.clock)),
    },
    network: { links: linksOf(box), policy: policy.network },
    token: { present: box.hsm.present(), serial: box.hsm.serial, lastVerifiedSignature: lastSignature(box) },
    work: running ? { ...running } : null,
    pin: { failures: tries.failures, waitUntil: tries.waitUntil },
    fault: box.fault ? { ...box.fault.toRecord() } : null,
    software: { ...box.software },
  };
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
