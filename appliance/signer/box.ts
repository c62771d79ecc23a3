/** What the signer's procedures share: the record, the token, the policies, the clock; put together in `open-box.ts`. */

import type { ReadLinks } from "../../host/network-links.ts";
import type { Software } from "../../host/software-digest.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Host } from "../../manifests/host.ts";
import type { Refusal } from "../../manifests/refusal.ts";
import type { Attesting } from "./attest.ts";
import type { AutoLock } from "./auto-lock.ts";
import type { Batches } from "./batches.ts";
import type { BoxClock, ClockSetting } from "./clock.ts";
import type { SignerConfig } from "./config.ts";
import type { Head } from "./head.ts";
import type { Journal, JournalHead, JournalKind } from "./journal.ts";
import type { BoxKeys, KeyAtHand, TokenAtHand } from "./keys.ts";
import type { Lockbox } from "./lockbox.ts";
import type { Orders } from "./orders.ts";
import type { OwnRefusals } from "./own-refusals.ts";
import type { Policies } from "./policies.ts";
import type { Hsm } from "./ports.ts";
import type { Db } from "./store.ts";

/** What of the configuration the procedures need. */
export type BoxFacts = Pick<SignerConfig, "appliance" | "clock" | "genesis" | "hsm" | "isolation" | "media" | "state">;

export interface Box {
  readonly facts: BoxFacts;
  readonly host: Host;
  readonly db: Db;
  readonly journal: Journal;
  readonly batches: Batches;
  readonly policies: Policies;
  /** those that the policy in force names; another policy may name others */
  keys: BoxKeys;
  /** the token that these are on */
  token: TokenAtHand;
  /** the keys that the box was made with */
  readonly configured: readonly KeyAtHand[];
  readonly orders: Orders;
  readonly autoLock: AutoLock;
  readonly clock: BoxClock;
  readonly hsm: Hsm;
  readonly head: Head;
  readonly lockbox: Lockbox;
  readonly refusals: OwnRefusals;
  readonly software: Software;
  /** SHA-256 of the software that made the box, hex */
  readonly madeWith: string;
  readonly readLinks: ReadLinks;
  /** undefined: the box says nothing of what runs on it */
  readonly attesting: Attesting | undefined;
  /** CHAIN: what is wrong with the record; nothing is written or signed then */
  fault: Refusal | undefined;
  /** the policy in force names keys of another token than this process opened: it must be started anew */
  moved: boolean;
  /** what the token held at the last unlock against what the record says, in words; empty where they agree */
  keysFound: readonly string[];
  /** Adds a journal row with the present time; inside the caller's transaction, or in one of its own. */
  record(kind: JournalKind, record: Json): JournalHead;
}

/** When the clock was last set against a reference: by an order, else by the genesis. */
export function clockSetting({
  facts,
  orders,
}: Pick<Box, "facts" | "orders">): ClockSetting & { readonly source: string } {
  return orders.standing.clock ?? facts.clock;
}

/** The present time of the box. */
export function now(box: Box): Utc {
  return box.clock.now();
}

/** Refuses with CHAIN when the record did not verify: the box is stopped. */
export function checkSound(box: Box): void {
  if (box.fault) throw box.fault;
}
