/** An enrolled box with what the store holds to judge its records by: its policies and the orders that explain its chain, verified anew. */

import { nodeHost } from "../../host/crypto-host.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { readSignedOrder } from "../../manifests/records/order.ts";
import { policyArc, readSignedPolicy } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { ChainOrders } from "../../manifests/verify/chain/chain-orders.ts";
import { ChainPolicies } from "../../manifests/verify/chain/chain-policies.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import type { Sql } from "../store/database.ts";
import { highestNumber } from "./chain-rows.ts";
import { type EnrolledBox, enrolledBoxes } from "./enrolled.ts";
import { keepBytes, smallEvidence } from "./evidence.ts";
import { readRevokedKey } from "./revoked-keys.ts";

export interface KnownBox {
  readonly enrolled: EnrolledBox;
  readonly trust: Trust;
  readonly policies: ChainPolicies;
  readonly orders: ChainOrders;
}

/** All that are enrolled; `now` is the verifier's own time. Refuses STORE where what is stored does not hold any more. */
export async function knownBoxes(sql: Sql, now: Utc): Promise<readonly KnownBox[]> {
  const boxes: KnownBox[] = [];
  for (const enrolled of await enrolledBoxes(sql)) {
    const { arc, authorities, box, genesis, roots } = enrolled;
    const trust: Trust = { arc, at: now, genesis, roots, ...(authorities.length > 0 ? { authorities } : {}) };
    const policies = await policiesOf(sql, enrolled);
    const orders = new ChainOrders(nodeHost, policies);
    const taken = await sql.all<{ file: Uint8Array }>(
      "SELECT file FROM continuity WHERE box = ? UNION SELECT file FROM reseals WHERE box = ?",
      box,
      box,
    );
    for (const { file } of taken) await orders.add(hex(file), await smallEvidence(sql, file));
    boxes.push({ enrolled, trust, policies, orders });
  }
  return boxes;
}

/** The policies of a box that are here, verified anew. Refuses as `ChainPolicies`. */
export async function policiesOf(
  sql: Sql,
  { box, genesis }: Pick<EnrolledBox, "box" | "genesis">,
): Promise<ChainPolicies> {
  const policies = new ChainPolicies(nodeHost, genesis);
  const files = await sql.all<{ file: Uint8Array }>("SELECT file FROM box_policies WHERE box = ? ORDER BY number", box);
  for (const { file } of files) await policies.add(await smallEvidence(sql, file));
  return policies;
}

/** Whose policy it is: number 1 by its digest, another one by the one that it follows. Undefined: of no box that is enrolled. Refuses DER, CMS-*, JSON, SHAPE. */
export async function boxOfPolicy(boxes: readonly KnownBox[], p7m: Uint8Array): Promise<KnownBox | undefined> {
  const { digest, policy } = await readSignedPolicy(nodeHost, p7m, ownOids(policyArc(p7m)));
  const { previous } = policy;
  if (previous === null) return boxes.find(({ enrolled }) => enrolled.genesis === hex(digest));
  return boxes.find(({ policies }) => policies.inForce(previous) !== undefined);
}

/** Takes a policy of the box; false: it was here. Refuses as `ChainPolicies` does, LEDGER-BOX where its arc is not the one that was pinned. */
export async function takePolicy(sql: Sql, { enrolled, policies }: KnownBox, p7m: Uint8Array): Promise<boolean> {
  const { digest } = await readSignedPolicy(nodeHost, p7m, ownOids(policyArc(p7m)));
  if (!policies.inForce(hex(digest))) await policies.add(p7m);
  const held = policies.inForce(hex(digest));
  if (!held) throw new Refusal("POLICY-CHAIN", "a policy that was looked at before does not hold");
  const { arc, box } = enrolled;
  if (held.policy.arc !== arc) {
    throw new Refusal("LEDGER-BOX", "the box's policy names another arc than the one it is enrolled with", {
      expected: arc,
      got: held.policy.arc,
    });
  }
  if (await sql.get("SELECT number FROM box_policies WHERE box = ? AND digest = ?", box, digest)) return false;
  const columns = ["box", "digest", "number", "appliance", "audit_key", "file"];
  const { appliance, keys } = held.policy;
  const audit = await nodeHost.digest("sha256", keys.audit);
  await sql.insert("box_policies", columns, [[box, digest, held.number, appliance, audit, await keepBytes(sql, p7m)]]);
  return true;
}

/** What of the orders is kept: those that explain a chain, or take back what a key made. */
export type TakenOrder = "continuity" | "reseal" | "revoked key" | "known" | "another kind";

/** Takes an order of one of the boxes. Refuses as `verifyOrder`, POLICY-DIGEST one of an older policy than its box had when it was signed, LEDGER-BOX. */
export async function takeOrder(
  sql: Sql,
  boxes: readonly KnownBox[],
  file: string,
  p7m: Uint8Array,
  now: Utc,
): Promise<TakenOrder> {
  const all = boxes.map(({ enrolled }) => ownOids(enrolled.arc));
  const { digest, order } = await readOrderOf(all, p7m);
  const { kind } = order;
  if (kind !== "recover" && kind !== "reseal" && kind !== "revoke-key") return "another kind";
  const known = boxes.find(({ policies }) => policies.inForce(order.policyDigest) !== undefined);
  if (!known) {
    const got = order.policyDigest;
    throw new Refusal(
      "POLICY-DIGEST",
      "the policy that the order was signed under is of no box that is enrolled, or not at hand",
      { got },
    );
  }
  const { enrolled, orders, policies } = known;
  const { box } = enrolled;
  const table = tableOf[kind];
  if (await sql.get(`SELECT arrived FROM ${table} WHERE box = ? AND digest = ?`, box, digest)) return "known";
  if (kind === "revoke-key") {
    await readRevokedKey(policies, enrolled.arc, p7m);
    await sql.insert(
      "revoked_keys",
      ["box", "digest", "file", "arrived"],
      [[box, digest, await keepBytes(sql, p7m), now]],
    );
    return "revoked key";
  }
  if (order.kind === "recover") await checkInForce(sql, known, order.policyDigest, order.what.manifests.next);
  await orders.add(file, p7m);
  const kept = await keepBytes(sql, p7m);
  if (order.kind === "reseal") {
    await sql.insert("reseals", ["box", "digest", "file", "arrived"], [[box, digest, kept, now]]);
    return "reseal";
  }
  const record = orders.continuityOf(enrolled.genesis).find((one) => one.digest === hex(digest));
  if (!record) throw new Refusal("ORDER", "the continuity record does not hold");
  const { created, last, missing, next, people, reason } = record;
  const auditKey = await nodeHost.digest("sha256", order.what.keys.audit);
  await sql.insert(
    "continuity",
    ["box", "digest", "next", "last", "missing", "audit_key", "people", "reason", "created", "file", "arrived"],
    [[box, digest, next, last, JSON.stringify(missing), auditKey, people.join(", "), reason, created, kept, now]],
  );
  return "continuity";
}

const tableOf = { recover: "continuity", reseal: "reseals", "revoke-key": "revoked_keys" } as const;

async function readOrderOf(all: readonly ReturnType<typeof ownOids>[], p7m: Uint8Array) {
  let fault: unknown = new Refusal("LEDGER-BOX", "no box is enrolled");
  for (const oids of all) {
    try {
      return await readSignedOrder(nodeHost, oids, p7m);
    } catch (thrown) {
      fault = thrown;
    }
  }
  throw fault;
}

/** A record under a policy that was followed by another before the box was lost is by people who may have gone. */
async function checkInForce(sql: Sql, { enrolled, policies }: KnownBox, digest: string, next: number): Promise<void> {
  const { box } = enrolled;
  const row = await sql.get<{ number: number; policy_number: number }>(
    "SELECT number, policy_number FROM box_manifests WHERE box = ? AND number < ? AND number <= ? ORDER BY policy_number DESC LIMIT 1",
    box,
    next,
    await highestNumber(sql, box),
  );
  const under = policies.inForce(digest)?.number ?? 0;
  if (!row || under >= row.policy_number) return;
  throw new Refusal("POLICY-DIGEST", "the continuity record is under an older policy than the box had", {
    expected: `policy ${row.policy_number}, as of number ${row.number}, or a later one`,
    got: `policy ${under}`,
    about: hex(fromHex(digest)),
  });
}
