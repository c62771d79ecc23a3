/** What the continuity record says: up to where a lost store is known, what is unexplained, and where the new one goes on. Pure. */

import { base64, hex } from "../../../manifests/encoding/bytes.ts";
import { mapKeys } from "../../../manifests/records/key-purpose.ts";
import type { OrderWhat } from "../../../manifests/records/order.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { HeadRecord } from "../head.ts";
import type { Evidence } from "./evidence.ts";

export interface Found {
  readonly evidence: Pick<Evidence, "acknowledgement" | "inForce" | "manifests" | "orders">;
  /** what the token that will be used holds; undefined where it never was this box's */
  readonly head: HeadRecord | undefined;
  readonly tokenUri: string;
  readonly software: { readonly digest: string; readonly version: string };
}

/** A number that people know to have been used, from a print or a copy elsewhere; 0: none. */
export interface Wanted {
  readonly reason: string;
  readonly beyond: number;
}

/** A place of the lost journal, and the last manifest up to there. */
interface Place {
  readonly sequence: number;
  readonly head: string;
  readonly manifest: number;
}

/** No manifest was made without a row that reserved its number and one of its own. */
const rowsOfManifest = 2;

/**
 * The order `recover` without who signs it. Numbers are left out rather than used twice: as many as the rows between evidence and head
 * could have made manifests of. Refuses with CHAIN evidence that contradicts the token's head, and ORDER where the token holds no head and
 * nobody says up to which number manifests may exist.
 */
export function continuityOf({ evidence, head, tokenUri, software }: Found, { beyond, reason }: Wanted) {
  const places = placesOf(evidence);
  const latest = places.at(-1);
  const journal = { evidence: latest?.sequence ?? 0, ...lastKnown(latest, head) };
  const placed = Math.max(0, ...places.map(({ manifest }) => manifest));
  // A manifest that a ledger holds was made, also where it is not at hand.
  const last = Math.max(placed, evidence.acknowledgement?.claimed ?? 0);
  if (!head && beyond === 0) {
    throw new Refusal(
      "ORDER",
      "the token says nothing of the lost record: people must say beyond which number it did not go",
      {
        expected: "the number of a manifest that was surely not reached",
        got: "none",
      },
    );
  }
  const unseen = head ? Math.ceil(Math.max(0, head.sequence - (latest?.sequence ?? 0)) / rowsOfManifest) : 0;
  const next = Math.max(placed + unseen, last, beyond) + 1;
  const { policy } = evidence.inForce;
  const newest = evidence.manifests.at(-1);
  return {
    journal,
    keys: mapKeys(policy.keys, base64),
    manifests: {
      digest: newest ? hex(newest.contentDigest) : null,
      last,
      missing: rangesWithout(new Set(evidence.manifests.map(({ number }) => number)), next),
      next,
    },
    orders: {
      last: evidence.orders.length,
      unstated: evidence.orders.filter(({ statement }) => !statement).map(({ order }) => order.number),
    },
    reason,
    software: { digest: software.digest, version: software.version },
    token: { counter: head?.counter ?? null, uri: tokenUri },
  };
}

/** The highest counter of a head that statements tell of; 0: none. */
export function lastCounter({ orders }: Pick<Evidence, "orders">): number {
  return Math.max(0, ...orders.map(({ statement }) => statement?.statement.counter ?? 0));
}

/** Refuses with ORDER an order that says something else than what was found. */
export function checkContinuity(what: OrderWhat<"recover">, found: Found): void {
  const { next } = what.manifests;
  const again = continuityOf(found, { reason: what.reason, beyond: next - 1 });
  const expected = JSON.stringify(again);
  const { keys, ...others } = what;
  const got = JSON.stringify({
    journal: others.journal,
    keys: mapKeys(keys, base64),
    manifests: others.manifests,
    orders: others.orders,
    reason: others.reason,
    software: others.software,
    token: others.token,
  });
  if (expected === got) return;
  throw new Refusal("ORDER", "the order says something else than what is at hand", { expected, got });
}

/** Places that manifests and statements name, in the order of the journal. Refuses with CHAIN two of one row with two digests. */
function placesOf({ manifests, orders }: Pick<Evidence, "manifests" | "orders">): readonly Place[] {
  const all: Place[] = manifests.map(({ number, manifest: { journal } }) => ({ ...journal, manifest: number }));
  for (const { order, statement } of orders) {
    if (statement) all.push({ ...statement.statement.journal, manifest: statement.statement.manifest });
    // What a store that was made anew went on from.
    if (order.kind === "recover") all.push({ ...order.what.journal, manifest: order.what.manifests.next - 1 });
  }
  all.sort((a, b) => a.sequence - b.sequence || a.manifest - b.manifest);
  for (const [at, place] of all.entries()) {
    const before = all[at - 1];
    if (before?.sequence === place.sequence && before.head !== place.head) throw contradiction(place, before.head);
  }
  return all;
}

function lastKnown(latest: Place | undefined, head: HeadRecord | undefined) {
  if (latest && head && latest.sequence === head.sequence && latest.head !== head.head) {
    throw contradiction(latest, head.head);
  }
  if (head && (!latest || head.sequence >= latest.sequence)) return { head: head.head, sequence: head.sequence };
  if (latest) return { head: latest.head, sequence: latest.sequence };
  throw new Refusal("CHAIN", "nothing is known of the lost record: neither a head nor a manifest nor a statement");
}

function contradiction({ sequence, head }: Place, other: string): Refusal {
  return new Refusal("CHAIN", `two digests of the lost journal's row ${sequence}`, { expected: other, got: head });
}

/** Ranges of numbers from 1 to before `next` that are not in `known`. */
function rangesWithout(known: ReadonlySet<number>, next: number): readonly { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (let number = 1; number < next; number++) {
    if (known.has(number)) continue;
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges;
}
