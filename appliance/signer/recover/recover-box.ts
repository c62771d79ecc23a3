/**
 * The making of a store anew after its disk was lost: from exports, the token's head, and an order of the quorum that says what is
 * unexplained. A kill at any point costs nothing: the store has its name only when all is done, and the next run goes on from what stands.
 */

import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { moveDurable, syncFolder } from "../../../host/durable.ts";
import { type Utc, utcOf } from "../../../manifests/encoding/shape.ts";
import { type OrderOf, readSignedOrder, verifyOrder } from "../../../manifests/records/order.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { Head, readHeadOf } from "../head.ts";
import { Journal } from "../journal.ts";
import { configuredKeys, type KeysInForce, keysInForce } from "../keys.ts";
import { type BoxParts, storePath } from "../open-box.ts";
import { Orders } from "../orders.ts";
import type { TokenHead } from "../ports.ts";
import { keysAtHand, standingOf } from "../standing.ts";
import { openStore } from "../store.ts";
import { verifyRecord } from "../verify-record.ts";
import { checkContinuity, continuityOf, type Found, lastCounter, type Wanted } from "./continuity.ts";
import type { Evidence } from "./evidence.ts";
import { fillStore } from "./fill-store.ts";
import { asTaken } from "./past-orders.ts";

/** Which keys hold by the exports, and on which token. Refuses as `keysInForce`. */
export function keysByEvidence({ inForce, orders }: Evidence, config: BoxParts["config"]): KeysInForce {
  return keysInForce(inForce.policy, keysAtHand(configuredKeys(config), standingOf(orders.map(asTaken))));
}

/** What the quorum has to sign: what `continuityOf` gives, by the token's head. Nothing is changed. Refuses as `continuityOf`, PIN-*, HSM codes. */
export async function surveyBox(parts: BoxParts, evidence: Evidence, wanted: Wanted, pin: Uint8Array) {
  return loggedIn(parts, evidence, pin, async (keys) => {
    const found = await find(parts, evidence, keys, await parts.hsm.readHead("head"));
    return continuityOf(found, wanted);
  });
}

/**
 * Makes the store by an order `recover`: the policies, orders, statements and manifests at hand, the register of what was sealed, a journal
 * that goes on after the last known row, and the token's next head. Everything is durable on return. Refuses with STORE when there is a
 * store, ORDER an order that is not this, not the next or says other things than what is found, CLOCK a clock that is before what was
 * recorded, and as `verifyOrder`, `keysInForce` and the token do.
 */
export async function recoverBox(parts: BoxParts, evidence: Evidence, p7m: Uint8Array, pin: Uint8Array) {
  const path = storePath(parts.config);
  if (existsSync(path)) throw new Refusal("STORE", "a store is there: nothing is to be made anew", { about: path });
  const unfinished = `${path}.new`;
  const order = await verifiedOrder(parts, evidence, p7m, unfinished);
  return loggedIn(parts, evidence, pin, async (keys) => {
    const head = await parts.hsm.readHead("head");
    if (!holdsOrder(unfinished, order.digest) || isBefore(order.order, head)) {
      checkContinuity(order.order.what, await find(parts, evidence, keys, head));
      await makeStore(parts, evidence, { ...order, p7m }, unfinished);
    }
    const db = openStore(unfinished);
    try {
      const { appliance, genesis } = parts.config;
      const journal = new Journal(db);
      // What would not open is not put in the place of the lost one.
      await verifyRecord({ db, journal, host: parts.host });
      const heads = new Head(db, journal, parts.hsm, { appliance, genesis });
      await heads.replace(order.order.what.token.counter);
      db.pragma("wal_checkpoint(TRUNCATE)");
    } finally {
      db.close();
    }
    await moveDurable(unfinished, path);
    return order.order;
  });
}

async function loggedIn<T>(
  { config, hsm }: BoxParts,
  evidence: Evidence,
  pin: Uint8Array,
  work: (keys: KeysInForce) => Promise<T>,
): Promise<T> {
  try {
    const keys = keysByEvidence(evidence, config);
    hsm.use(keys.atHand);
    await hsm.login(pin);
    try {
      return await work(keys);
    } finally {
      await hsm.logout();
    }
  } finally {
    pin.fill(0);
  }
}

async function find(
  { config, software }: BoxParts,
  evidence: Evidence,
  { token }: KeysInForce,
  held: TokenHead | undefined,
): Promise<Found> {
  const head = held && readHeadOf(held, config);
  return { evidence, head, tokenUri: token.uri, software };
}

interface RecoverOrder {
  readonly order: OrderOf<"recover">;
  readonly digest: Uint8Array;
  readonly people: readonly string[];
}

/** The next order after those at hand, of this kind, by the quorum of the policy in force; one that a making was begun with expires no more. */
async function verifiedOrder(
  { clocks, host }: BoxParts,
  evidence: Evidence,
  p7m: Uint8Array,
  unfinished: string,
): Promise<RecoverOrder> {
  const read = await readSignedOrder(host, evidence.oids, p7m);
  const before = standingOf(evidence.orders.map(asTaken)).last;
  const [number, previous] = [(before?.number ?? 0) + 1, before?.digest ?? null];
  if (read.order.number !== number || read.order.previous !== previous) {
    throw new Refusal("ORDER", "not the next order of this box", {
      expected: `number ${number}, after ${previous ?? "none"}`,
      got: `number ${read.order.number}, after ${read.order.previous ?? "none"}`,
    });
  }
  const at = holdsOrder(unfinished, read.digest) ? read.order.created : timeOf(clocks);
  const { order, digest, people } = await verifyOrder(host, evidence.oids, evidence.inForce, p7m, at);
  if (order.kind === "recover") return { order, digest, people };
  throw new Refusal("ORDER", "this order makes no store anew", { expected: "recover", got: order.kind });
}

/** Whether the token stands where the order found it: then what was begun by it is begun again. */
function isBefore({ what }: OrderOf<"recover">, head: TokenHead | undefined): boolean {
  return (head?.counter ?? null) === what.token.counter;
}

function holdsOrder(path: string, digest: Uint8Array): boolean {
  if (!existsSync(path)) return false;
  try {
    const db = openStore(path);
    try {
      return new Orders(db).taken(digest) !== undefined;
    } finally {
      db.close();
    }
  } catch {
    return false; // a kill in its making
  }
}

async function makeStore(
  { clocks, config, hsm, software }: BoxParts,
  evidence: Evidence,
  order: RecoverOrder & { readonly p7m: Uint8Array },
  path: string,
): Promise<void> {
  const time = timeOf(clocks);
  checkTime(evidence, time);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  const { appliance, genesis } = config;
  const { digest, p7m, people } = order;
  const { kind, number, what } = order.order;
  const stored = { digest, kind, number, p7m, people, time, what };
  const filling = { appliance, evidence, genesis, order: stored, software, time, token: hsm.serial };
  await fillStore(path, filling, (db, journal) => {
    const counter = what.token.counter ?? lastCounter(evidence);
    if (counter > 0) new Head(db, journal, hsm, { appliance, genesis }).startAt(counter);
  });
  await syncFolder(dirname(path));
}

/** CLOCK across the loss: nothing that was recorded lies in the future of the new store. */
function checkTime({ manifests, orders }: Evidence, time: Utc): void {
  // Times before the clock was last set may lie after it: a quorum set it back.
  const set = orders.findLast(({ order }) => order.kind === "set-clock");
  const since = set ? (set.statement?.statement.journal.sequence ?? Number.POSITIVE_INFINITY) : 0;
  const known = [
    ...(set ? [set.time] : []),
    ...manifests.filter(({ manifest }) => manifest.journal.sequence > since).map(({ manifest }) => manifest.created),
    ...orders.flatMap(({ statement }) =>
      statement && statement.statement.journal.sequence >= since ? [statement.statement.created] : [],
    ),
  ].sort();
  const last = known.at(-1);
  if (last === undefined || last <= time) return;
  throw new Refusal("CLOCK", "the clock is before what the lost store recorded", {
    expected: `from ${last}`,
    got: time,
  });
}

function timeOf(clocks: BoxParts["clocks"]): Utc {
  return utcOf(clocks.wall());
}
