/**
 * What waits for evidence of time: every manifest that came in and held by itself, also one that waits for a number before it or is in dispute, until a round that stands
 * is over it. One round takes so many that its tree stays of bounded size.
 */

import type { HashName } from "../../manifests/cms/suite.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";
import { groupsOf, treeOf } from "./groups.ts";
import { type RoundTree, RoundTreeBuilder } from "./round-tree.ts";
import { anchored } from "./tables.ts";

export interface Member {
  /** row */
  readonly manifest: number;
  /** its box's arc */
  readonly arc: string;
  readonly genesis: string;
  readonly content: Manifest;
}

export interface Gathered {
  readonly members: readonly Member[];
  readonly tree: RoundTree;
  /** lines of their lists: seals that get their time */
  readonly lines: number;
}

const mostMembers = 4096;
/** A manifest has up to 100,000 of them. */
const mostGroups = 250_000;

/** The oldest ones that wait, with their tree by the strongest of the hashes that their boxes use; undefined: nothing waits. Refuses STORE. */
export async function gather(sql: Sql): Promise<Gathered | undefined> {
  const members: Member[] = [];
  let groups = 0;
  for (const { manifest } of await oldestWaiting(sql)) {
    const member = await memberAt(sql, manifest);
    groups += member.content.documents.count + 1;
    if (members.length > 0 && groups > mostGroups) break;
    members.push(member);
  }
  if (members.length === 0) return undefined;
  const hash = strongest(members.map(({ content }) => content.documents.digestAlgorithm));
  const builder = new RoundTreeBuilder(hash);
  let lines = 0;
  for (const { content, manifest } of members) {
    builder.add(await treeOf(hash, groupsOf(sql, manifest, hash)));
    lines += content.documents.sealed;
  }
  return { members, tree: await builder.tree(), lines };
}

export interface WaitingSums {
  readonly manifests: number;
  /** when the first of them came in; null: none waits */
  readonly since: Utc | null;
}

export async function waitingSums(sql: Sql): Promise<WaitingSums> {
  const row = await sql.get<{ manifests: number; since: string | null }>(
    `SELECT count(*) AS manifests, min(arrived) AS since FROM box_manifests m WHERE NOT ${anchored}`,
  );
  return { manifests: row?.manifests ?? 0, since: row?.since ?? null };
}

export async function isWaiting(sql: Sql, manifest: number): Promise<boolean> {
  const row = await sql.get(
    `SELECT m.manifest FROM box_manifests m WHERE m.manifest = ? AND NOT ${anchored}`,
    manifest,
  );
  return row !== undefined;
}

function oldestWaiting(sql: Sql): Promise<readonly { readonly manifest: number }[]> {
  return sql.all(
    `SELECT m.manifest FROM box_manifests m WHERE NOT ${anchored} ORDER BY m.manifest LIMIT ${mostMembers}`,
  );
}

export async function memberAt(sql: Sql, manifest: number): Promise<Member> {
  const row = await sql.get<{ arc: string; genesis: string; content: Uint8Array }>(
    "SELECT b.arc, b.genesis, m.content FROM box_manifests m JOIN boxes b ON b.box = m.box WHERE m.manifest = ?",
    manifest,
  );
  if (!row) throw new Refusal("STORE", "a manifest is not in the store", { about: `${manifest}` });
  const { arc, content, genesis } = row;
  return { manifest, arc, genesis, content: readManifest(content) };
}

const byStrength: readonly HashName[] = ["sha512", "sha384", "sha256"];

function strongest(hashes: readonly HashName[]): HashName {
  return byStrength.find((hash) => hashes.includes(hash)) ?? "sha256";
}
