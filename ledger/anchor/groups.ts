/**
 * What the hash tree of a manifest is over (RFC 4998 4.2), by any hash, read from the store as a stream: first the batch's record, as `coldseal anchor` has it over a
 * bundle; then for each line of documents.jsonl one group of the manifest's eContent and the line without LF.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { ListReader } from "../../manifests/records/documents-list.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type HashTree, TreeBuilder } from "../../manifests/time/hash-tree.ts";
import { recordFiles } from "../../manifests/verify/time-evidence.ts";
import { evidencePieces } from "../boxes/evidence.ts";
import { fileOf, listPath } from "../boxes/keep-manifest.ts";
import type { Sql } from "../store/database.ts";

/** The hashes of its data objects. */
export type Group = readonly Uint8Array[];

/** Group 0 is the record, group n line n. Refuses STORE where a file is not there. */
export async function* groupsOf(sql: Sql, manifest: number, hash: HashName): AsyncGenerator<Group> {
  yield recordHashes(sql, manifest, hash);
  const row = await sql.get<{ content: Uint8Array }>("SELECT content FROM box_manifests WHERE manifest = ?", manifest);
  if (!row) throw missing("manifest");
  const content = await nodeHost.digest(hash, row.content);
  for await (const leaf of leavesOf(sql, manifest)) yield [content, await nodeHost.digest(hash, leaf)];
}

export async function recordHashes(sql: Sql, manifest: number, hash: HashName): Promise<Group> {
  const hashes: Uint8Array[] = [];
  for (const path of recordFiles) {
    const hasher = nodeHost.hasher(hash);
    for await (const piece of evidencePieces(sql, await storedFile(sql, manifest, path))) hasher.update(piece);
    hashes.push(await hasher.digest());
  }
  return hashes;
}

/** The lines of a manifest's list, without LF. */
export async function* leavesOf(sql: Sql, manifest: number): AsyncGenerator<Uint8Array> {
  const reader = new ListReader();
  for await (const piece of evidencePieces(sql, await storedFile(sql, manifest, listPath))) {
    for (const { leaf } of reader.push(piece)) yield leaf;
  }
  reader.end();
}

/** The tree over groups; memory grows by a few hashes a group. */
export async function treeOf(hash: HashName, groups: AsyncIterable<Group> | Iterable<Group>): Promise<HashTree> {
  const builder = new TreeBuilder(nodeHost, hash);
  for await (const group of groups) await builder.add(group);
  return builder.tree();
}

export async function storedFile(sql: Sql, manifest: number, path: string): Promise<Uint8Array> {
  const file = await fileOf(sql, manifest, path);
  if (file) return file;
  throw missing(path);
}

function missing(about: string): Refusal {
  return new Refusal("STORE", "a file of a manifest is not in the store", { about });
}
