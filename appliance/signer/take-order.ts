/** An order of officers: verified, judged against how the box stands, stored and journalled, then carried out. */

import { sha256 } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { keyEntries } from "../../manifests/records/key-purpose.ts";
import { readSignedOrder, type VerifiedOrder, verifyOrder } from "../../manifests/records/order.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, checkSound, now } from "./box.ts";
import { coverByHead } from "./import-policy.ts";
import { checkApplies } from "./order-applies.ts";
import { closeLate, stateOutcome } from "./state-outcome.ts";

export interface TakenAnswer {
  readonly number: number;
  /** SHA-256 of the order's content, hex */
  readonly digest: string;
  /** statement.p7m; none while the box cannot sign one, for this reason: give the same order again then */
  readonly statement: Uint8Array | undefined;
  readonly why: string | undefined;
}

/**
 * Takes an order once, and carries it out; the same order again gives its statement, and signs it where that was not possible
 * before. The order is durable before anything follows from it. Refuses as `verifyOrder`, `checkApplies` and `stateOutcome` do.
 */
export async function takeOrder(box: Box, p7m: Uint8Array): Promise<TakenAnswer> {
  checkSound(box);
  const { digest } = await readSignedOrder(box.host, box.policies.oids, p7m);
  const before = box.orders.taken(digest);
  if (!before) await takeNew(box, p7m);
  const taken = box.orders.taken(digest);
  if (!taken) throw new Refusal("INTERNAL", "a stored order is not found");
  const answer = { number: taken.order.number, digest: hex(digest) };
  const stored = box.orders.statement(taken.order.number);
  if (stored) {
    const why = await closeLate(box, taken);
    return { ...answer, statement: why === undefined ? stored : undefined, why };
  }
  const outcome = await stateOutcome(box, taken);
  return { ...answer, statement: outcome.p7m, why: outcome.p7m ? undefined : outcome.why };
}

async function takeNew(box: Box, p7m: Uint8Array): Promise<void> {
  const verified = await verifyOrder(box.host, box.policies.oids, box.policies.inForce, p7m, now(box));
  box.db.transaction(() => {
    checkNext(box, verified);
    checkApplies(box, verified.order);
    store(box, verified, p7m);
  })();
  box.orders.renew();
  await carryOut(box, verified);
  await coverByHead(box);
}

/** Orders follow each other as the rows of a chain do: none can be left out, given twice or put before another. */
function checkNext({ orders }: Box, { order }: VerifiedOrder): void {
  const { last } = orders.standing;
  const [number, previous] = [(last?.number ?? 0) + 1, last?.digest ?? null];
  if (order.number === number && order.previous === previous) return;
  throw new Refusal("ORDER", "not the next order of this box", {
    expected: `number ${number}, after ${previous ?? "none"}`,
    got: `number ${order.number}, after ${order.previous ?? "none"}`,
  });
}

function store(box: Box, { order, digest, people }: VerifiedOrder, p7m: Uint8Array): void {
  const { kind, number } = order;
  const at = now(box);
  const time = kind === "set-clock" ? box.clock.wall() : at;
  box.orders.store(number, digest, p7m, time);
  box.record("order", {
    digest: hex(digest),
    file: hex(sha256(p7m)),
    kind,
    number,
    people: [...people],
    time,
  });
  if (kind !== "set-clock") return;
  // The one row that may be earlier than the row before it.
  const { accuracySeconds, reference, referenceTime } = order.what;
  box.journal.append(time, "clock-set", { accuracySeconds, from: at, number, reference, referenceTime, to: time });
  box.db.prepare("UPDATE last_time SET time = ?").run(time);
}

async function carryOut(box: Box, { order }: VerifiedOrder): Promise<void> {
  if (order.kind === "set-clock") box.clock.reset();
  if (order.kind === "suspend") await box.lockbox.lock(`suspended: ${order.what.reason}`);
  const { keys } = box;
  const stops = order.kind === "suspend-key" || order.kind === "revoke-key";
  if (stops && keyEntries(keys).some(([, { spki }]) => equal(spki, order.what.spki))) {
    await box.lockbox.lock(`a key in force was taken out of use: order ${order.number}`);
  }
}
