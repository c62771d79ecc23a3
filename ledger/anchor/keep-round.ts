/** What a round leaves in the store, in one transaction: the token, each manifest's way, and the conflicts of clocks that it shows. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { latestOf } from "../../manifests/verify/time-evidence.ts";
import { nextId } from "../boxes/chain-rows.ts";
import type { Sql } from "../store/database.ts";
import type { Given } from "./ask.ts";
import type { RoundTree } from "./round-tree.ts";
import { type Gathered, isWaiting, type Member } from "./waiting.ts";

export interface ClockConflict {
  readonly genesis: string;
  readonly number: number;
  /** by the box */
  readonly claimed: Utc;
  /** by how much it says that its clock may be off */
  readonly errorSeconds: number;
  /** by the token, with its accuracy */
  readonly latest: Utc;
}

export interface KeptRound {
  readonly round: number;
  readonly conflicts: readonly ClockConflict[];
}

/** Refuses BUSY where another run anchored one of them meanwhile: then nothing is written, and its token is no loss. */
export async function keepRound(sql: Sql, { members, tree }: Gathered, given: Given, now: Utc): Promise<KeptRound> {
  for (const { manifest } of members) {
    if (await isWaiting(sql, manifest)) continue;
    throw new Refusal("BUSY", "another process anchored the same manifests meanwhile");
  }
  const round = await nextId(sql, "anchor_rounds", "round");
  await sql.insert("anchor_rounds", ["round", "made"], [[round, now]]);
  await keepWays(sql, { round, chain: 1 }, members, tree);
  await keepToken(sql, { round, chain: 1, position: 1 }, { ...given, hash: tree.hash, tree: new Uint8Array(0) }, now);
  const found = members.flatMap((member) => conflictOf(member, given) ?? []);
  await sql.insert(
    "clock_conflicts",
    ["round", "manifest", "claimed", "error_seconds", "latest"],
    found.map(({ claimed, errorSeconds, latest, manifest }) => [round, manifest, claimed, errorSeconds, latest]),
  );
  return { round, conflicts: found.map(({ manifest: _, ...rest }) => rest) };
}

export async function keepWays(
  sql: Sql,
  { chain, round }: { readonly round: number; readonly chain: number },
  members: readonly Pick<Member, "manifest">[],
  { ways }: RoundTree,
): Promise<void> {
  await sql.insert(
    "anchor_ways",
    ["round", "chain", "manifest", "way"],
    members.map(({ manifest }, at) => [round, chain, manifest, ways[at] as Uint8Array]),
  );
}

export interface TokenPlace {
  readonly round: number;
  readonly chain: number;
  readonly position: number;
}

export async function keepToken(
  sql: Sql,
  { chain, position, round }: TokenPlace,
  given: Given & { readonly hash: string; readonly tree: Uint8Array },
  now: Utc,
): Promise<void> {
  const { ends, hash, stamp, token, tree, url } = given;
  await sql.insert(
    "anchor_tokens",
    ["round", "chain", "position", "hash", "tree", "token", "url", "stamped", "latest", "ends", "made"],
    [[round, chain, position, hash, tree, token, url, stamp.info.time, latestOf(stamp.info), ends, now]],
  );
}

/** The token is from before the claimed time, less the claimed accuracy: it counts, and one of the clocks is wrong. */
export function conflictOf(
  { content, genesis, manifest }: Member,
  { stamp: { info } }: Pick<Given, "stamp">,
): (ClockConflict & { readonly manifest: number }) | undefined {
  const { clock, created, number } = content;
  const latest = latestOf(info);
  if (Date.parse(latest) + clock.claimedErrorSeconds * 1000 >= Date.parse(created)) return undefined;
  return { manifest, genesis, number, claimed: created, errorSeconds: clock.claimedErrorSeconds, latest };
}
