/** One seal of a bundle with an evidence record over the manifest's content and its line, as a ledger hands it over. */

import { nodeHost } from "../../host/crypto-host.ts";
import { HashRow } from "../../manifests/encoding/hash-row.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { listLeaf, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { inclusionBytes, inclusionPaths } from "../../manifests/records/inclusion.ts";
import { manifestBytes } from "../../manifests/records/manifest.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import { writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { TreeBuilder } from "../../manifests/time/hash-tree.ts";
import { listEntries } from "../../manifests/verify/list-file.ts";
import { lineGroup } from "../../manifests/verify/seal-evidence.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import type { Issued } from "../pki/authority.ts";
import type { Bundle } from "./build.ts";

export interface LineRecord {
  /** of the first line unless said */
  readonly index?: number;
  readonly time?: Utc;
  readonly by?: Issued;
  readonly policy?: string;
  /** what stands in place of content and line */
  readonly content?: Uint8Array;
  readonly line?: Uint8Array;
}

export async function linesOf({ files }: Bundle): Promise<readonly SealedDocument[]> {
  const lines: SealedDocument[] = [];
  const pieces = async function* () {
    yield files.get("documents.jsonl") as Uint8Array;
  };
  for await (const line of listEntries(pieces())) lines.push(line);
  return lines;
}

/** The record, DER: in a tree with the group of another line. */
export async function lineRecord(bundle: Bundle, wanted: LineRecord = {}): Promise<Uint8Array> {
  const { index = 1, content = manifestBytes(bundle.manifest), line, ...token } = wanted;
  const entry = (await linesOf(bundle))[index - 1] as SealedDocument;
  const builder = new TreeBuilder(nodeHost, "sha256");
  await builder.add(await lineGroup(nodeHost, content, line ?? listLeaf(entry))("sha256"));
  await builder.add([new Uint8Array(32), new Uint8Array(32).fill(1)]);
  const tree = await builder.tree();
  return writeEvidenceRecord([[{ hash: "sha256", tree: tree.reduced(0), token: await rawToken(tree.root, token) }]]);
}

/** inclusion.json of a line. */
export async function inclusionOf(bundle: Bundle, index = 1): Promise<Uint8Array> {
  const lines = await linesOf(bundle);
  const leaves = new HashRow(32);
  for (const line of lines) leaves.push(await leafHash(nodeHost, listLeaf(line)));
  const pathOf = await inclusionPaths(nodeHost, leaves);
  const leaf = lines[index - 1] as SealedDocument;
  return inclusionBytes({ inclusionPath: [...pathOf(index)], leaf, treeSize: lines.length });
}
