/** Whether anything may be sealed at all: asked before the first signature of a batch, and when one is gone on with. */

import { hex } from "../../manifests/encoding/bytes.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { lockedBy } from "./auto-lock.ts";
import { type Box, checkSound, clockSetting } from "./box.ts";
import type { BoxKey } from "./keys.ts";
import { checkNetwork } from "./network.ts";
import type { KeyName } from "./ports.ts";
import { markOf } from "./standing.ts";

/**
 * Refuses with CHAIN, LOCKED, CLOSED, SUSPENDED, SOFTWARE, KEY-STATE, CLOCK or GAP. A box that was open for too long is locked by this.
 * `uses`: the keys that are to sign. A batch whose abort was ordered needs the audit key alone: otherwise a sealing key that was taken
 * out of use in its middle would leave it unfinished for ever, and with it every policy with another key.
 */
export async function checkMaySeal(box: Box, uses: readonly KeyName[]): Promise<void> {
  const { policy } = box.policies.inForce;
  checkSound(box);
  box.lockbox.check();
  await lockWhenOver(box);
  checkStanding(box);
  for (const name of uses) checkUsable(box, keyInForce(box, name));
  box.clock.check(clockSetting(box), policy.clock);
  checkNetwork(policy.network, box.readLinks);
}

/** Refuses with HSM-KEY a purpose of which the policy in force names no key. */
export function keyInForce({ keys }: Pick<Box, "keys">, name: KeyName): BoxKey {
  const key = keys[name];
  if (key) return key;
  throw new Refusal("HSM-KEY", `the policy in force names no ${name} key`, { about: name });
}

/** What orders and software say against sealing. Refuses with CLOSED, SUSPENDED, SOFTWARE. */
export function checkStanding(box: Box): void {
  const { closing, suspended } = box.orders.standing;
  if (closing) throw closed(closing);
  if (suspended) {
    throw new Refusal("SUSPENDED", `the box is suspended since ${suspended.since}: ${suspended.reason}`);
  }
  checkSoftware(box);
}

/** Refuses with CLOSED between a close and the opening that presents it, and BUSY where this process has the wrong token. */
export function checkMayUnlock({ moved, orders }: Pick<Box, "moved" | "orders">): void {
  const { closing } = orders.standing;
  if (closing) throw closed(closing);
  if (moved) throw new Refusal("BUSY", "the keys in force are on another token: the signer is being started anew");
}

/** Refuses with KEY-STATE a key that an order took out of use. */
export function checkUsable({ orders }: Pick<Box, "orders">, { spki, certificateDigest }: BoxKey): void {
  const mark = markOf(orders.standing, spki);
  if (!mark) return;
  throw new Refusal("KEY-STATE", `a key of the box is ${mark.state} since ${mark.since}: ${mark.reason}`, {
    about: `certificate ${hex(certificateDigest).slice(0, 16)}`,
    got: mark.state,
  });
}

/**
 * The first thing that keeps the box from sealing, beside lock, clock and network, which `status` says by themselves. While an emergency is open the usual key
 * alone keeps no batch of that from being sealed.
 */
export function heldBy(box: Box): Refusal | undefined {
  try {
    checkStanding(box);
    const sealing = box.orders.standing.emergency && box.keys.emergency ? [] : [box.keys.sealing];
    for (const key of [...sealing, box.keys.audit, box.keys.time]) if (key) checkUsable(box, key);
    return undefined;
  } catch (fault) {
    return asRefusal(fault, "INTERNAL", "a fault");
  }
}

/** Locks a box that the policy's limits say must not stay open. Refuses with LOCKED where it did. */
export async function lockWhenOver(box: Box): Promise<void> {
  const why = box.autoLock.over(box.policies.inForce.policy.unlocked);
  if (why === undefined || !box.lockbox.unlocked) return;
  await box.lockbox.lock(why);
  throw lockedBy(why);
}

function closed({ digest, since }: { readonly digest: string; readonly since: string }): Refusal {
  return new Refusal("CLOSED", `the box is closed since ${since}`, {
    expected: `an opening that presents the close ${digest.slice(0, 16)}…`,
    about: digest,
  });
}

function checkSoftware(box: Box): void {
  const running = box.software.digest;
  if (running === box.madeWith || box.orders.standing.software.includes(running)) return;
  throw new Refusal("SOFTWARE", "this software was not approved for this box", {
    expected: [box.madeWith, ...box.orders.standing.software].map((digest) => digest.slice(0, 16)).join(" or "),
    got: running.slice(0, 16),
    about: running,
  });
}
