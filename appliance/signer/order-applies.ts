/** Whether an order can be carried out as the box stands now. */

import { sha256 } from "../../host/crypto-host.ts";
import { checkKey } from "../../manifests/cms/algorithm.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { keyEntries } from "../../manifests/records/key-purpose.ts";
import type { Order, OrderKind, OrderOf, OrderWhat } from "../../manifests/records/order.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Box, now } from "./box.ts";
import { checkAllowed } from "./emergency.ts";
import { certifiedKey, checkUsageOf, fittingSuite, type KeyAtHand } from "./keys.ts";
import { checkReseal } from "./reseal.ts";
import { checkCertificates } from "./reserved-keys.ts";
import { compromiseOf, keyAtHand, markOf, type Standing } from "./standing.ts";

/**
 * Refuses with ORDER what contradicts how the box stands, CHAIN an opening that presents another close than the last, KEY-STATE a
 * key that it cannot be done to, CLOCK a clock that is not at its reference, BUSY and LOCKED what must wait, HSM-KEY and PATH
 * codes a certificate that is not the key's. Nothing is changed.
 */
export function checkApplies(box: Box, order: Order): void {
  const check = checks[order.kind] as (box: Box, standing: Standing, order: Order) => void;
  check(box, box.orders.standing, order);
}

const checks: { readonly [K in OrderKind]: (box: Box, standing: Standing, order: OrderOf<K>) => void } = {
  "approve-software": (_, { software }, { what }) =>
    must(!software.includes(what.digest), "this software is approved already"),
  "certify-key": checkCertified,
  close: checkClose,
  "declare-emergency": (box, standing, { what }) => checkDeclared(box, standing, what),
  "destroy-key": checkDestroyed,
  "end-emergency": (box, standing, { what }) => checkEnded(box, standing, what),
  open: (_, standing, { what }) => checkOpening(standing, what),
  recover: () => must(false, "only the making of a store from exports takes this order"),
  reseal: (box, _, { what }) => checkReseal(box, what),
  resume: (_, { suspended }) => must(suspended !== undefined, "the box is not suspended"),
  "resume-key": (_, standing, { what }) =>
    must(markOf(standing, what.spki)?.state === "suspended", "this key is not suspended"),
  "revoke-key": checkRevoked,
  "set-clock": (box, _, { what, expires }) => checkReference(box, what, expires),
  "stage-key": checkStaged,
  suspend: (_, { suspended }) => must(suspended === undefined, "the box is suspended already"),
  "suspend-key": (box, standing, { what }) => void keyIn(box, standing, what.spki, []),
};

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Refusal("ORDER", otherwise);
}

function checkClose(box: Box, { closing }: Standing): void {
  must(closing === undefined, "the box is closed already");
  box.lockbox.check();
  const unfinished = box.batches.unfinished();
  if (unfinished) throw new Refusal("BUSY", `manifest ${unfinished.number} is not finished`);
}

/** Refuses with EMERGENCY what the policy in force does not allow, ORDER a second one. */
function checkDeclared(box: Box, { emergency }: Standing, what: OrderWhat<"declare-emergency">): void {
  must(emergency === undefined, "an emergency is open already: it must be ended before");
  checkAllowed(box.policies.inForce.policy, what.text);
}

function checkEnded(box: Box, { emergency }: Standing, what: OrderWhat<"end-emergency">): void {
  if (!emergency) throw new Refusal("ORDER", "no emergency is open");
  if (emergency.digest !== what.declaration) {
    const detail = { expected: emergency.digest, got: what.declaration };
    throw new Refusal("ORDER", "the order ends another emergency than the one that is open", detail);
  }
  const unfinished = box.batches.unfinished();
  if (unfinished?.batch.head.mode !== "emergency") return;
  throw new Refusal("BUSY", `manifest ${unfinished.number} of the emergency is not finished`);
}

/** What lies between a close and an opening cannot hide: the opening names the very close that the box remembers. */
function checkOpening({ closing }: Standing, what: OrderWhat<"open">): void {
  if (!closing) throw new Refusal("ORDER", "the box is open already");
  if (closing.digest === what.closing) return;
  throw new Refusal("CHAIN", "the close that is presented is not the last one of this box", {
    expected: closing.digest,
    got: what.closing,
  });
}

function checkReference(box: Box, what: OrderWhat<"set-clock">, expires: string): void {
  const wall = box.clock.wall();
  const slack = what.accuracySeconds * 1000;
  const earliest = Date.parse(what.referenceTime) - slack;
  if (Date.parse(wall) >= earliest && wall <= expires) return;
  throw new Refusal("CLOCK", "the clock is not where the reference says", {
    expected: `from ${what.referenceTime} less ${what.accuracySeconds} s, until ${expires}`,
    got: wall,
  });
}

function checkStaged(box: Box, standing: Standing, { what }: OrderOf<"stage-key">): void {
  const same = keyAtHand(box.configured, standing, what.spki);
  must(same === undefined, "the box has this key already");
  // Refuses a key that no suite fits, or that is too weak.
  const { policy } = box.policies.inForce;
  checkKey(fittingSuite(what.spki, policy), what.spki, policy.limits.minimumRsaBits);
}

function checkCertified(box: Box, standing: Standing, { what }: OrderOf<"certify-key">): void {
  const { spki, certificates } = what;
  const { purpose } = keyIn(box, standing, spki, ["suspended"]);
  const { policy } = box.policies.inForce;
  const [leaf = new Uint8Array(0)] = certificates;
  if (!equal(readCertificate(leaf).spki, spki)) throw new Refusal("HSM-KEY", "the certificate is another key's");
  checkUsageOf(leaf, purpose, box.policies.oids);
  checkCertificates(certifiedKey(certificates, fittingSuite(spki, policy)), policy, now(box));
}

function checkDestroyed(box: Box, standing: Standing, { what }: OrderOf<"destroy-key">): void {
  const { spki } = what;
  keyIn(box, standing, spki, ["suspended", "revoked"]);
  if (keyEntries(box.keys).every(([, key]) => !equal(spki, key.spki))) return;
  throw new Refusal("KEY-STATE", "a key in force is not destroyed: another one must be activated before", {
    about: nameOf(spki),
  });
}

/**
 * That a key was in other hands may come out after it was revoked for another reason, or destroyed; and that it was so earlier
 * than was thought. What was said to fall never stands again.
 */
function checkRevoked(box: Box, standing: Standing, { what }: OrderOf<"revoke-key">): void {
  const { spki, revocation, since } = what;
  if (revocation !== "keyCompromise") return void keyIn(box, standing, spki, ["suspended"]);
  keyIn(box, standing, spki, ["suspended", "revoked", "destroyed"]);
  const known = compromiseOf(standing, spki);
  if (!known) return;
  const earlier = known.since !== null && (since === null || since < known.since);
  must(earlier, `this key is revoked for compromise already, since ${known.since ?? "a time that is not known"}`);
}

/** The key, unless an order put it into a state beyond `allowed`. */
function keyIn(box: Box, standing: Standing, spki: Uint8Array, allowed: readonly string[]): KeyAtHand {
  const key = keyAtHand(box.configured, standing, spki);
  if (!key) throw new Refusal("ORDER", "the box has no such key", { about: nameOf(spki) });
  const mark = markOf(standing, spki);
  if (!mark || allowed.includes(mark.state)) return key;
  throw new Refusal("KEY-STATE", `this key is ${mark.state}`, { about: nameOf(spki), got: mark.state });
}

function nameOf(spki: Uint8Array): string {
  return `public key ${hex(sha256(spki)).slice(0, 16)}`;
}
