/**
 * What is handed over with one seal: a folder of its own, which `coldseal verify` and the page read as it is. Of the batch's list it holds the one line, so that
 * nobody reads what the other documents were called.
 */

import { basename } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { hashBytes } from "../../manifests/cms/suite.ts";
import { HashRow } from "../../manifests/encoding/hash-row.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { SealedDocument } from "../../manifests/records/documents-list.ts";
import { inclusionBytes, inclusionPaths } from "../../manifests/records/inclusion.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import { policyPath } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { smallEvidence } from "../boxes/evidence.ts";
import type { Sql } from "../store/database.ts";
import { lineRecord } from "./given-out.ts";
import { leavesOf, storedFile } from "./groups.ts";

export interface SealFolder {
  /** by path below the folder */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** path of the seal; null: it is known by its digest only, as no outbox brought it */
  readonly seal: string | null;
  /** path of the evidence record, and the time of the batch by it */
  readonly record: string;
  readonly time: Utc;
}

/** Of a line of a manifest's list. Refuses LEDGER-TIME where nothing is over it yet, STORE. */
export async function sealFolder(sql: Sql, manifest: number, line: SealedDocument): Promise<SealFolder> {
  const { der, time } = await lineRecord(sql, manifest, line);
  const files = new Map<string, Uint8Array>();
  for (const path of ["manifest.p7m", "authorization.p7m"]) {
    files.set(path, await smallEvidence(sql, await storedFile(sql, manifest, path)));
  }
  for (const [at, policy] of (await policiesOf(sql, manifest)).entries()) files.set(policyPath(at + 1), policy);
  files.set("inclusion.json", await inclusionOf(sql, manifest, line));
  const record = `${basename(line.seal, ".p7s")}.ers`;
  files.set(record, der);
  const row = await sql.get<{ bytes: Uint8Array }>(
    "SELECT bytes FROM box_seals WHERE manifest = ? AND idx = ?",
    manifest,
    line.index,
  );
  if (row) files.set(line.seal, row.bytes);
  return { files, seal: row ? line.seal : null, record, time };
}

/** The chain of policies up to the one in force. */
async function policiesOf(sql: Sql, manifest: number): Promise<readonly Uint8Array[]> {
  const rows = await sql.all<{ number: number; file: Uint8Array }>(
    `SELECT p.number, p.file FROM box_manifests m JOIN box_policies p ON p.box = m.box AND p.number <= m.policy_number
      WHERE m.manifest = ? ORDER BY p.number`,
    manifest,
  );
  const stray = rows.find(({ number }, at) => number !== at + 1);
  if (stray) throw new Refusal("STORE", "the policies of a box are not a chain", { got: `number ${stray.number}` });
  return Promise.all(rows.map(({ file }) => smallEvidence(sql, file)));
}

async function inclusionOf(sql: Sql, manifest: number, leaf: SealedDocument): Promise<Uint8Array> {
  const leaves = new HashRow(hashBytes.sha256);
  for await (const line of leavesOf(sql, manifest)) leaves.push(await leafHash(nodeHost, line));
  const pathOf = await inclusionPaths(nodeHost, leaves);
  return inclusionBytes({ inclusionPath: [...pathOf(leaf.index)], leaf, treeSize: leaves.length });
}
