/** The chains of a round as the store has them (RFC 4998 5.1), with a manifest's way in each. */

import type { HashName } from "../../manifests/cms/suite.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { ReducedTree } from "../../manifests/time/hash-tree.ts";
import type { Sql } from "../store/database.ts";
import { wayFrom } from "./round-tree.ts";

export interface StoredToken {
  readonly round: number;
  readonly chain: number;
  readonly position: number;
  readonly hash: HashName;
  /** of a renewal that one token made of several rounds; else empty */
  readonly tree: ReducedTree;
  readonly token: Uint8Array;
  readonly url: string;
  readonly stamped: Utc;
  readonly latest: Utc;
  readonly ends: Utc;
}

/** One chain: its tokens by position, the first over the root that `way` leads to. */
export interface StoredChain {
  readonly hash: HashName;
  readonly way: ReducedTree;
  readonly tokens: readonly StoredToken[];
}

/** In order. */
export async function tokensOf(sql: Sql, round: number): Promise<readonly StoredToken[]> {
  const rows = await sql.all<Omit<StoredToken, "tree"> & { tree: Uint8Array }>(
    `SELECT round, chain, position, hash, tree, token, url, stamped, latest, ends FROM anchor_tokens WHERE round = ? ORDER BY chain, position`,
    round,
  );
  return rows.map((row) => ({ ...row, tree: wayFrom(row.tree, row.hash) }));
}

/** Refuses STORE where a way or all tokens of a chain are missing. */
export async function chainsOf(sql: Sql, round: number, manifest: number): Promise<readonly StoredChain[]> {
  const ways = await sql.all<{ chain: number; way: Uint8Array }>(
    "SELECT chain, way FROM anchor_ways WHERE round = ? AND manifest = ? ORDER BY chain",
    round,
    manifest,
  );
  const tokens = await tokensOf(sql, round);
  const count = tokens.at(-1)?.chain ?? 0;
  return Array.from({ length: count }, (_, at) => {
    const own = tokens.filter(({ chain }) => chain === at + 1);
    const [first] = own;
    const row = ways.find(({ chain }) => chain === at + 1);
    const inOrder = own.every(({ position }, place) => position === place + 1);
    if (first && row && inOrder) return { hash: first.hash, way: wayFrom(row.way, first.hash), tokens: own };
    throw new Refusal("STORE", "a part of the evidence of time is not in the store", {
      about: `round ${round}, chain ${at + 1}`,
    });
  });
}

/** The last token of each round that stands, the earliest to end first. */
export function lastTokens(sql: Sql): Promise<readonly Omit<StoredToken, "token" | "tree">[]> {
  return sql.all(
    `SELECT t.round, t.chain, t.position, t.hash, t.url, t.stamped, t.latest, t.ends FROM anchor_tokens t
      WHERE NOT EXISTS (SELECT 1 FROM anchor_tokens o WHERE o.round = t.round AND (o.chain > t.chain OR (o.chain = t.chain AND o.position > t.position)))
      AND NOT EXISTS (SELECT 1 FROM lapsed_rounds x WHERE x.round = t.round) ORDER BY t.ends, t.round`,
  );
}

/** The first round over a manifest that stands; undefined: it waits. */
export async function standingRound(sql: Sql, manifest: number): Promise<number | undefined> {
  const row = await sql.get<{ round: number | null }>(
    `SELECT min(w.round) AS round FROM anchor_ways w WHERE w.manifest = ?
      AND NOT EXISTS (SELECT 1 FROM lapsed_rounds x WHERE x.round = w.round)`,
    manifest,
  );
  return row?.round ?? undefined;
}
