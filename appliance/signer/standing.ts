/** What the orders of its officers make of a box: one fold over all of them, in their order. Pure. */

import { equal } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Order, OrderWhat } from "../../manifests/records/order.ts";
import type { KeyAtHand } from "./keys.ts";

/** An order that the box took. */
export interface TakenOrder {
  readonly order: Order;
  /** SHA-256 of its content, hex */
  readonly digest: string;
  readonly time: Utc;
  /** SHA-256 of the content of its statement, hex; none until there is one */
  readonly statement: string | undefined;
}

export interface Standing {
  readonly last: { readonly number: number; readonly digest: string } | undefined;
  readonly suspended: { readonly reason: string; readonly since: Utc } | undefined;
  /** closed: what the next opening must present, SHA-256 in hex */
  readonly closing: { readonly digest: string; readonly since: Utc } | undefined;
  /** declared and not ended: `digest` is that of the order, SHA-256 in hex */
  readonly emergency: OpenEmergency | undefined;
  readonly clock: { readonly errorSeconds: number; readonly lastSet: Utc; readonly source: string } | undefined;
  /** the store was made anew: its manifests begin at `next`, and the first of them follows the order (SHA-256 in hex) */
  readonly recovered: { readonly digest: string; readonly next: number; readonly since: Utc } | undefined;
  /** numbers of manifests on re-sealing lists, ascending; what they sealed may be sealed once more */
  readonly resealed: readonly number[];
  /** all numbers that ever stood on one */
  readonly listed: readonly number[];
  /** SHA-256 of software that was approved, hex */
  readonly software: readonly string[];
  readonly staged: readonly StagedKey[];
  /** certificates that came in by an order, newest last */
  readonly certified: readonly { readonly spki: Uint8Array; readonly chain: readonly Uint8Array[] }[];
  /** keys that were revoked because they were in other hands, and since when: null where nobody knows */
  readonly compromised: readonly { readonly spki: Uint8Array; readonly since: Utc | null }[];
  /** states of keys other than usable, by their public key */
  readonly marks: readonly KeyMark[];
}

export interface OpenEmergency extends OrderWhat<"declare-emergency"> {
  readonly digest: string;
  readonly since: Utc;
  /** the disk was lost since, and numbers are missing */
  readonly lost: boolean;
}

export interface StagedKey extends Omit<KeyAtHand, "chain"> {
  readonly kind: string;
  /** number of the order */
  readonly order: number;
}

export interface KeyMark {
  readonly spki: Uint8Array;
  readonly state: "suspended" | "revoked" | "destroyed";
  readonly since: Utc;
  readonly reason: string;
}

const nothing: Standing = {
  last: undefined,
  suspended: undefined,
  closing: undefined,
  emergency: undefined,
  clock: undefined,
  recovered: undefined,
  resealed: [],
  listed: [],
  software: [],
  staged: [],
  certified: [],
  compromised: [],
  marks: [],
};

export function standingOf(orders: readonly TakenOrder[]): Standing {
  return orders.reduce(
    (standing, taken) => ({
      ...after(standing, taken),
      last: { number: taken.order.number, digest: taken.digest },
    }),
    nothing,
  );
}

/** Every key that the box has: those that it was made with and those staged since, with their newest certificates. */
export function keysAtHand(configured: readonly KeyAtHand[], { staged, certified }: Standing): readonly KeyAtHand[] {
  // Where a token is reached may have changed since the order: the configuration knows it, of the token that it names.
  const place = (token: KeyAtHand["token"]) => configured.find((one) => one.token.uri === token.uri)?.token ?? token;
  const all = [...configured, ...staged.map((one) => ({ ...one, chain: [], token: place(one.token) }))];
  return all.map((key) => {
    const newer = certified.findLast(({ spki }) => equal(spki, key.spki));
    return newer ? { ...key, chain: newer.chain } : key;
  });
}

/** The one of this public key, if the box has it. */
export function keyAtHand(
  configured: readonly KeyAtHand[],
  standing: Standing,
  spki: Uint8Array,
): KeyAtHand | undefined {
  return keysAtHand(configured, standing).find((key) => equal(key.spki, spki));
}

/** What keeps a key from being used. */
export function markOf({ marks }: Standing, spki: Uint8Array): KeyMark | undefined {
  return marks.find((one) => equal(one.spki, spki));
}

/** That a key was in other hands, and since when. */
export function compromiseOf({ compromised }: Standing, spki: Uint8Array): Standing["compromised"][number] | undefined {
  return compromised.find((one) => equal(one.spki, spki));
}

function after(standing: Standing, { digest, order, time, statement }: TakenOrder): Standing {
  switch (order.kind) {
    case "suspend":
      return { ...standing, suspended: { reason: order.what.reason, since: time } };
    case "recover": {
      const { manifests, software } = order.what;
      // What a close left to be presented is gone with the store; the quorum opens the new one.
      const recovered = { digest, next: manifests.next, since: time };
      const { emergency } = standing;
      const { missing } = manifests;
      return {
        ...standing,
        clock: undefined,
        closing: undefined,
        // How many seals were made in it is not known any more.
        emergency: emergency && manifests.missing.length > 0 ? { ...emergency, lost: true } : emergency,
        recovered,
        // What was sealed again may be among the missing: another list must say so anew.
        resealed: missing.length > 0 ? [] : standing.resealed,
        software: [...standing.software, software.digest],
      };
    }
    case "reseal": {
      const { manifests } = order.what;
      return { ...standing, resealed: added(standing.resealed, manifests), listed: added(standing.listed, manifests) };
    }
    case "resume":
      return { ...standing, suspended: undefined };
    case "close":
      // Until its head was signed, nothing could be presented at the next opening.
      return statement === undefined ? standing : { ...standing, closing: { digest: statement, since: time } };
    case "open":
      return { ...standing, closing: undefined };
    case "declare-emergency":
      return { ...standing, emergency: { ...order.what, digest, lost: false, since: time } };
    case "end-emergency":
      return { ...standing, emergency: undefined };
    case "set-clock": {
      const { accuracySeconds: errorSeconds, reference: source } = order.what;
      return { ...standing, clock: { errorSeconds, lastSet: time, source } };
    }
    case "approve-software":
      return { ...standing, software: [...standing.software, order.what.digest] };
    case "stage-key":
      return { ...standing, staged: [...standing.staged, { ...order.what, order: order.number }] };
    case "certify-key":
      return { ...standing, certified: [...standing.certified, chainOf(order.what)] };
    case "suspend-key":
      return marked(standing, order.what, "suspended", time);
    case "revoke-key": {
      const { revocation, since, spki } = order.what;
      const state = markOf(standing, spki)?.state === "destroyed" ? "destroyed" : "revoked";
      const after = marked(standing, order.what, state, time);
      if (revocation !== "keyCompromise") return after;
      const others = standing.compromised.filter((one) => !equal(one.spki, spki));
      return { ...after, compromised: [...others, { since, spki }] };
    }
    case "destroy-key":
      return marked(standing, order.what, "destroyed", time);
    case "resume-key":
      return { ...standing, marks: without(standing, order.what.spki) };
  }
}

function added(numbers: readonly number[], more: readonly number[]): readonly number[] {
  return [...new Set([...numbers, ...more])].sort((a, b) => a - b);
}

function chainOf({ spki, certificates }: OrderWhat<"certify-key">) {
  return { spki, chain: certificates };
}

function marked(
  standing: Standing,
  { spki, reason }: { readonly spki: Uint8Array; readonly reason: string },
  state: KeyMark["state"],
  since: Utc,
): Standing {
  return { ...standing, marks: [...without(standing, spki), { spki, state, since, reason }] };
}

function without({ marks }: Standing, spki: Uint8Array): KeyMark[] {
  return marks.filter((one) => !equal(one.spki, spki));
}
