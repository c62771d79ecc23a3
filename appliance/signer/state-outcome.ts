/** The audit key's statement of what became of an order: signed when the box can, stored, and given out again as it is. */

import { sha256 } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import type { Order } from "../../manifests/records/order.ts";
import { statementBytes } from "../../manifests/records/statement.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { signByAudit } from "./manifest.ts";
import { checkUsable } from "./may-seal.ts";
import { lastManifest } from "./receipt.ts";
import { keysAtHand, type TakenOrder } from "./standing.ts";

/**
 * Signs and stores the statement; undefined where the box is locked or its audit key is out of use. After a close the box is locked, and nothing opens it
 * but an opening. Refuses with KEY-STATE while a key that is to be destroyed is still on the token, and with HSM codes.
 */
export async function stateOutcome(box: Box, taken: TakenOrder): Promise<Uint8Array | undefined> {
  if (!box.lockbox.unlocked || !usable(box)) return undefined;
  const { order, digest } = taken;
  const facts = await factsOf(box, taken);
  await box.lockbox.guard(() => box.head.settle());
  const head = box.journal.head();
  const created = now(box);
  const content = statementBytes({
    appliance: box.facts.appliance,
    counter: box.head.counter,
    created,
    facts,
    journal: { head: hex(head.digest), sequence: head.sequence },
    manifest: lastManifest(box),
    order: { digest, kind: order.kind, number: order.number },
    type: "statement",
    version: 1,
  });
  const p7m = await signByAudit(box, box.keys.audit, box.policies.oids.statement, content, created);
  const contentDigest = sha256(content);
  box.db.transaction(() => {
    box.orders.storeStatement(order.number, contentDigest, p7m);
    box.record("statement", { digest: hex(contentDigest), file: hex(sha256(p7m)), number: order.number });
  })();
  box.orders.renew();
  if (order.kind === "close") {
    await box.lockbox.guard(() => box.head.advance());
    await box.lockbox.lock("closed");
  }
  return p7m;
}

function usable(box: Box): boolean {
  try {
    checkUsable(box, box.keys.audit);
    return true;
  } catch (fault) {
    if (asRefusal(fault, "INTERNAL", "a fault").code === "KEY-STATE") return false;
    throw fault;
  }
}

async function factsOf(box: Box, { order, time }: TakenOrder): Promise<Readonly<Record<string, string>>> {
  const facts: Record<string, string> = { "taken at": time, ...said(order) };
  if (order.kind === "open") return { ...facts, ...betweenFacts(box, order.what.closing) };
  if (order.kind === "destroy-key") return { ...facts, ...(await goneFacts(box, order.what.spki)) };
  return facts;
}

/** What the order says, as text. */
function said({ what }: Order): Record<string, string> {
  return Object.fromEntries(Object.entries(what).map(([name, value]) => [name, textOf(value)]));
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return `SHA-256 ${hex(sha256(value))}`;
  if (Array.isArray(value)) return value.map(textOf).join("; ").slice(0, 4000) || "none";
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, one]) => `${name} ${textOf(one)}`)
      .join(", ")
      .slice(0, 4000);
  }
  return String(value);
}

/** What the journal holds between the last close and the opening. */
function betweenFacts(box: Box, closing: string): Record<string, string> {
  const rows = box.db
    .prepare<[], { kind: string; sequence: number; record: string }>(
      "SELECT kind, sequence, record FROM journal WHERE kind IN ('statement', 'order') ORDER BY sequence",
    )
    .all();
  const from = rows.find(({ record, kind }) => kind === "statement" && record.includes(closing))?.sequence ?? 0;
  const to = rows.findLast(({ kind }) => kind === "order")?.sequence ?? 0;
  const kinds = box.db
    .prepare<[number, number], { kind: string; count: number }>(
      "SELECT kind, count(*) AS count FROM journal WHERE sequence > ? AND sequence < ? GROUP BY kind ORDER BY kind",
    )
    .all(from, to);
  const told = kinds.map(({ kind, count }) => `${kind} ${count}`).join(", ");
  return { "journal rows between close and opening": `${Math.max(0, to - from - 1)}`, "of these": told || "none" };
}

/** Evidence that a key is gone: the token was asked for it, and has none of this label and id. */
async function goneFacts(box: Box, spki: Uint8Array): Promise<Record<string, string>> {
  const key = keysAtHand(box.configured, box.orders.standing).find((one) => equal(one.spki, spki));
  if (!key) throw new Refusal("ORDER", "the box has no such key");
  if (key.token.uri !== box.token.uri) return { token: `${key.token.uri}: not the token in use, not looked at` };
  const { missing } = await box.lockbox.guard(() => box.hsm.compareKeys([key.uri]));
  if (!missing.includes(key.uri)) {
    throw new Refusal("KEY-STATE", "the key is still on the token", { expected: "no such key", got: key.uri });
  }
  return { "objects found on the token": "0", uri: key.uri };
}
