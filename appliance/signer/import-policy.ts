/**
 * A policy that follows the one in force: verified, stored, journalled, then in force; open challenges are void from then on. A policy
 * that names other keys of the box activates them: the box locks, and the next unlock finds them.
 */

import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { type KeyPurpose, keyPurposes } from "../../manifests/records/key-purpose.ts";
import type { PolicyInForce } from "../../manifests/records/policy-chain.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { type KeysInForce, keysInForce } from "./keys.ts";
import { checkUsable } from "./may-seal.ts";
import { checkCertificates } from "./reserved-keys.ts";
import { keysAtHand } from "./standing.ts";

/**
 * The number of the policy that is in force on return, durably; while unlocked the token's head covers it, else the next
 * unlock moves it there. Refuses with POLICY-* (POLICY-EARLY before its date), HSM-KEY, KEY-STATE and PATH-* (keys that it activates), or BUSY while
 * a batch is unfinished whose abort was not ordered.
 */
export async function importPolicy(box: Box, p7m: Uint8Array): Promise<number> {
  const next = await box.policies.verifyNext(p7m, now(box));
  checkDate(box, next);
  const active = keysInForce(next.policy, keysAtHand(box.configured, box.orders.standing));
  const changed = changedKeys(box, active);
  checkActivated(box, next, active, changed);
  box.db.transaction(() => {
    checkNothingToSeal(box);
    box.policies.store(next, p7m);
    box.record("policy", {
      digest: hex(next.digest),
      number: next.number,
      ...Object.fromEntries(changed.map((name) => [name, keyDigest(active, name)])),
    });
  })();
  box.policies.adopt(next);
  await coverByHead(box);
  if (changed.length > 0) await activate(box, active);
  return next.number;
}

/**
 * A batch is sealed under the policy that it was approved under. One that is to be aborted has nothing left to seal, and its manifest may need
 * the next policy's audit key: the token of this one may be lost, or the key revoked.
 */
function checkNothingToSeal({ batches }: Box): void {
  const unfinished = batches.unfinished();
  if (!unfinished || batches.ending(unfinished.batch)) return;
  throw new Refusal("BUSY", `manifest ${unfinished.number} is not finished`, {
    expected: "a batch that is finished, or whose abort was ordered",
    got: "one that is being sealed",
    about: hex(unfinished.batch.batchDigest),
  });
}

/** Also one that goes without another in its place. */
function changedKeys(box: Box, { keys }: KeysInForce): readonly KeyPurpose[] {
  const none = new Uint8Array(0);
  return keyPurposes.filter((name) => !equal(keys[name]?.spki ?? none, box.keys[name]?.spki ?? none));
}

function keyDigest({ keys }: KeysInForce, name: KeyPurpose): string | null {
  const key = keys[name];
  return key ? hex(key.keyDigest) : null;
}

/** A date permits, and does nothing by itself: until then the policy is refused, and afterwards somebody must bring it. */
function checkDate(box: Box, { number, policy: { notBefore } }: PolicyInForce): void {
  const at = now(box);
  if (notBefore === undefined || at >= notBefore) return;
  throw new Refusal("POLICY-EARLY", `policy ${number} was signed ahead`, { expected: `from ${notBefore} on`, got: at });
}

/** Keys that come into force must be usable now; the profile may change with the sealing key alone. */
function checkActivated(
  box: Box,
  { policy }: PolicyInForce,
  { keys }: KeysInForce,
  changed: readonly KeyPurpose[],
): void {
  for (const name of changed) {
    const key = keys[name];
    if (!key) continue;
    checkUsable(box, key);
    checkCertificates(key, policy, now(box));
  }
  if (changed.includes("sealing") || policy.profile.suite === box.keys.sealing.suite.name) return;
  throw new Refusal("POLICY-PROFILE", "another profile needs another sealing key", {
    expected: box.keys.sealing.suite.name,
    got: policy.profile.suite,
  });
}

async function activate(box: Box, { keys, atHand, token }: KeysInForce): Promise<void> {
  await box.lockbox.lock("other keys came into force");
  box.keys = keys;
  if (token.uri === box.token.uri) box.hsm.use(atHand);
  else box.moved = true;
  box.token = token;
}

/** T17: an old disk with the old policy is found against the head. A token that fails locks the box, and takes nothing back. */
export async function coverByHead({ head, lockbox }: Box): Promise<void> {
  if (!lockbox.unlocked) return;
  try {
    await lockbox.guard(() => head.settle());
  } catch (fault) {
    const { code } = asRefusal(fault, "INTERNAL", "the head did not move");
    if (code !== "LOCKED" && !code.startsWith("HSM-")) throw fault;
  }
}
