/** Orders that a lost store took, and the statements of what became of them. */

import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import type { Host } from "../../../manifests/host.ts";
import { type Order, readSignedOrder, verifyOrder } from "../../../manifests/records/order.ts";
import { type Statement, verifyStatement } from "../../../manifests/records/statement.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type BundleSource, readSmall } from "../../../manifests/verify/source.ts";
import type { TakenOrder } from "../standing.ts";
import { checkAuditKey, numbered, type PastBox, policyOf } from "./past-box.ts";

export interface PastOrder {
  readonly order: Order;
  readonly p7m: Uint8Array;
  /** SHA-256 of the content */
  readonly digest: Uint8Array;
  readonly people: readonly string[];
  /** when the lost store took it, by its statement; without one, when it was made */
  readonly time: Utc;
  readonly statement: PastStatement | undefined;
}

export interface PastStatement {
  readonly statement: Statement;
  readonly p7m: Uint8Array;
  readonly digest: Uint8Array;
}

/**
 * All orders at hand, from number 1 without a gap; each is verified under the policy that it was signed under. Refuses with ORDER one that
 * is missing in between, out of its place, of a quorum that another policy retired before, or a statement without its order, CHAIN what contradicts another record.
 */
export async function readPastOrders(host: Host, source: BundleSource, box: PastBox): Promise<readonly PastOrder[]> {
  const statements = await readStatements(host, source, box);
  const all: PastOrder[] = [];
  let policy = 1;
  for (const [number, path] of await numbered(source, "orders", /^(\d{4})\.p7m$/)) {
    const p7m = await readSmall(source, path);
    const read = await readSignedOrder(host, box.oids, p7m);
    const inForce = policyOf(box, read.order.policyDigest, path);
    const { order, digest, people } = await verifyOrder(host, box.oids, inForce, p7m, read.order.created);
    checkPlace(all.at(-1), order, number, path);
    // A quorum that was retired orders nothing more.
    if (inForce.number < policy)
      throw new Refusal("ORDER", "signed under an older policy than the order before it", { about: path });
    policy = inForce.number;
    const statement = statements.get(hex(digest));
    statements.delete(hex(digest));
    if (order.kind === "reseal" && !statement) {
      throw new Refusal("ORDER", "a re-sealing list that the box did not state it took", {
        expected: "its statement",
        about: path,
      });
    }
    all.push({ order, p7m, digest, people, time: timeOf(order, statement), statement });
  }
  const [left] = statements.values();
  if (left) {
    const { kind, number } = left.statement.order;
    throw new Refusal("ORDER", "a statement is at hand, and its order is not", {
      expected: `order ${number}, ${kind}`,
    });
  }
  return all;
}

/** As the store knows them. */
export function asTaken({ order, digest, time, statement }: PastOrder): TakenOrder {
  return { order, digest: hex(digest), time, statement: statement && hex(statement.digest) };
}

function checkPlace(before: PastOrder | undefined, order: Order, number: number, about: string): void {
  const expected = (before?.order.number ?? 0) + 1;
  const previous = before ? hex(before.digest) : null;
  if (order.number === number && number === expected && order.previous === previous) return;
  throw new Refusal("ORDER", "not the next order of this box", {
    expected: `number ${expected}, after ${previous ?? "none"}`,
    got: `number ${order.number}, after ${order.previous ?? "none"}`,
    about,
  });
}

function timeOf(order: Order, stated: PastStatement | undefined): Utc {
  const said = stated?.statement.facts["taken at"];
  return said !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(said) ? said : order.created;
}

async function readStatements(host: Host, source: BundleSource, box: PastBox): Promise<Map<string, PastStatement>> {
  const all = new Map<string, PastStatement>();
  for (const [, path] of await numbered(source, "statements", /^(\d{4})\.p7m$/)) {
    const p7m = await readSmall(source, path);
    const { statement, digest, spki } = await verifyStatement(host, box.oids, p7m);
    checkAuditKey(box, spki, path);
    if (statement.appliance !== box.appliance) {
      throw new Refusal("CHAIN", "the statement is another box's", { got: statement.appliance, about: path });
    }
    all.set(statement.order.digest, { statement, p7m, digest });
  }
  return all;
}
