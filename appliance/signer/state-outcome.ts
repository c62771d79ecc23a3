/** The audit key's statement of what became of an order: signed when the box can, stored, and given out again as it is. */

import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Order } from "../../manifests/records/order.ts";
import { statementBytes } from "../../manifests/records/statement.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { closingOf, type SignedClosing, signClosing, storeClosing } from "./closing.ts";
import type { KeyAtHand } from "./keys.ts";
import { signByAudit } from "./manifest.ts";
import { checkUsable } from "./may-seal.ts";
import { lastManifest } from "./receipt.ts";
import { keyAtHand, type TakenOrder } from "./standing.ts";

/** A statement, or why there is none yet. */
export type Outcome = { readonly p7m: Uint8Array } | { readonly p7m?: undefined; readonly why: string };

/**
 * Signs and stores the statement; says why not where the box is locked, its audit key is out of use, or a key that is to be destroyed is still
 * on the token. After a close the box is locked, and nothing opens it but an opening. Refuses with HSM codes.
 */
export async function stateOutcome(box: Box, taken: TakenOrder): Promise<Outcome> {
  const why = await whyNot(box, taken);
  if (why !== undefined) return { why };
  const { order, digest } = taken;
  await box.lockbox.guard(() => box.head.settle());
  const closing = order.kind === "end-emergency" ? await signClosing(box, { ...taken, order }) : undefined;
  const facts = { ...factsOf(box, taken), ...closingFacts(closing) };
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
    if (closing) storeClosing(box, order.number, closing);
    box.orders.storeStatement(order.number, contentDigest, p7m);
    box.record("statement", { digest: hex(contentDigest), file: hex(sha256(p7m)), number: order.number });
  })();
  box.orders.renew();
  if (order.kind === "close") {
    await box.lockbox.guard(() => box.head.advance());
    await box.lockbox.lock("closed");
  }
  return { p7m };
}

/**
 * Where an emergency was ended and stated, and its closing record is gone with a disk: signs and stores it anew. Gives why not; undefined where nothing is to be
 * done any more. Refuses with HSM codes.
 */
export async function closeLate(box: Box, taken: TakenOrder): Promise<string | undefined> {
  const { order } = taken;
  if (order.kind !== "end-emergency" || closingOf(box.db, order.number)) return undefined;
  const why = await whyNot(box, taken);
  if (why !== undefined) return why;
  await box.lockbox.guard(() => box.head.settle());
  const closing = await signClosing(box, { ...taken, order });
  box.db.transaction(() => storeClosing(box, order.number, closing))();
  return undefined;
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

async function whyNot(box: Box, { order }: TakenOrder): Promise<string | undefined> {
  if (!box.lockbox.unlocked) return "the box is locked";
  if (!usable(box)) return "its audit key is out of use";
  if (order.kind !== "destroy-key") return undefined;
  const key = doomed(box, order.what.spki);
  if (key.token.uri !== box.token.uri) return undefined;
  const { missing } = await box.lockbox.guard(() => box.hsm.compareKeys([key.uri]));
  return missing.includes(key.uri) ? undefined : `the key is still on the token: ${key.uri}`;
}

function doomed(box: Box, spki: Uint8Array): KeyAtHand {
  const key = keyAtHand(box.configured, box.orders.standing, spki);
  if (key) return key;
  throw new Refusal("ORDER", "the box has no such key");
}

function factsOf(box: Box, { order, time }: TakenOrder): Readonly<Record<string, string>> {
  const facts: Record<string, string> = { "taken at": time, ...said(order) };
  if (order.kind === "open") return { ...facts, ...betweenFacts(box, order.what.closing) };
  if (order.kind === "destroy-key") return { ...facts, ...goneFacts(box, order.what.spki) };
  return facts;
}

function closingFacts(closing: SignedClosing | undefined): Record<string, string> {
  return closing ? { "closing record": `SHA-256 ${hex(closing.digest)}` } : {};
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

/** Evidence that a key is gone: the token was asked for it just before, and has none of this label and id. */
function goneFacts(box: Box, spki: Uint8Array): Record<string, string> {
  const { token, uri } = doomed(box, spki);
  if (token.uri !== box.token.uri) return { token: `${token.uri}: not the token in use, not looked at` };
  return { "objects found on the token": "0", uri };
}
