/** `batch-record`: a batch's answer is verified as a whole, then its record goes to the screen, to files, to a printer. */

import { readdir, stat } from "node:fs/promises";
import { bundleFolder } from "../host/bundle-folder.ts";
import { nodeHost, sha256 } from "../host/crypto-host.ts";
import { type TrustOptions, trustOf, verifyFolder } from "../host/verify-folder.ts";
import { hex } from "../manifests/encoding/bytes.ts";
import type { Manifest } from "../manifests/records/manifest.ts";
import { shown } from "../manifests/records/names.ts";
import { PlainListReader, plainListPath } from "../manifests/records/plain-list.ts";
import type { ListedDocument } from "../manifests/records/request.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type Finding, Findings } from "../manifests/verify/findings.ts";
import { requestDocuments, requestPath } from "../manifests/verify/request-file.ts";
import { type BundleSource, readAgain } from "../manifests/verify/source.ts";
import type { Trust } from "../manifests/verify/trust.ts";
import { givePaper, type PrintOptions } from "./give-paper.ts";
import { type BatchRecord, batchRecordPaper } from "./paper/batch-record-paper.ts";
import type { Output } from "./ports.ts";

export interface BatchRecordOptions extends PrintOptions, TrustOptions {
  /** folder of the documents */
  readonly documents?: string;
}

/** How many documents are named one by one; count and Merkle root stand for all. */
export const mostNamed = 200;

/** Verifies `outbox/BATCH` and shows or prints its record. Refuses MANIFEST-BIND where it does not hold, USAGE, STORE, PRINTER. */
export async function showBatchRecord(output: Output, folder: string, options: BatchRecordOptions): Promise<void> {
  const record = await readBatchRecord(folder, trustOf(options), options.documents);
  const { digest, manifest } = record;
  const { appliance, created, number, outcome, request } = manifest;
  const name = `${appliance}-${String(number).padStart(6, "0")}.batch-record`;
  const files = await givePaper(output, batchRecordPaper(record), name, created, options);
  output.document({ appliance, batchDigest: request.digest, digest, files, number, outcome });
}

/** What a record says of the bundle in `folder`. Refuses MANIFEST-BIND where it does not hold, USAGE. */
export async function readBatchRecord(folder: string, trust: Trust, documents?: string): Promise<BatchRecord> {
  for (const one of documents === undefined ? [folder] : [folder, documents]) await checkFolder(one);
  await checkSealed(folder);
  const verdict = await verifyFolder(folder, trust, documents);
  const { findings, manifest, manifestDigest, ok } = verdict;
  if (!ok || !manifest || !manifestDigest) throw doesNotHold(folder, findings);
  const roots = trust.roots.map((der) => hex(sha256(der)));
  return { verdict, manifest, digest: manifestDigest, documents: await firstDocuments(folder, manifest), roots };
}

/** The first of what was to be sealed. Only the file that was verified is believed. */
async function firstDocuments(folder: string, { request }: Manifest): Promise<readonly ListedDocument[]> {
  const source = bundleFolder(folder);
  const findings = new Findings();
  const first: ListedDocument[] = [];
  try {
    for await (const document of listed(source, request, findings)) {
      if (first.length < mostNamed) first.push(document);
    }
  } finally {
    source.close();
  }
  if (findings.all.length > 0) throw doesNotHold(folder, findings.all);
  return first;
}

function listed(source: BundleSource, { file, kind }: Manifest["request"], findings: Findings) {
  const work = { host: nodeHost, source, findings };
  if (kind === "signed-request") return requestDocuments(readAgain(work, requestPath, file));
  return plainDocuments(readAgain(work, plainListPath, file));
}

async function* plainDocuments(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ListedDocument> {
  const reader = new PlainListReader();
  for await (const piece of pieces) yield* reader.push(piece);
  reader.end();
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw new Refusal("USAGE", "there is no such folder", { expected: "a folder", about: folder });
}

/** Refuses with USAGE the answer to a batch that was refused or rejected: it has no manifest that a record could be of. */
async function checkSealed(folder: string): Promise<void> {
  const names = await readdir(folder);
  const refusal = ["refusal.p7m", "refusal.json"].find((name) => names.includes(name));
  if (names.includes("manifest.p7m") || refusal === undefined) return;
  const judge =
    refusal === "refusal.p7m" ? `\`coldseal verify ${shown(folder)}\` tells and judges it` : "it is not signed";
  throw new Refusal(
    "USAGE",
    `this batch was refused, so there is no record of its sealing: ${refusal} says why, and ${judge}`,
    {
      expected: "the answer to a batch that was sealed or aborted (manifest.p7m)",
      got: `a refusal (${refusal})`,
      about: folder,
    },
  );
}

function doesNotHold(folder: string, [first, ...more]: readonly Finding[]): Refusal {
  const what = first ? `${first.code} ${first.file}: ${first.message}` : "nothing that could be verified";
  return new Refusal("MANIFEST-BIND", "the bundle does not verify, so there is no record of it", {
    expected: "a sealed or aborted batch in which `coldseal verify` finds nothing wrong",
    got: more.length === 0 ? what : `${what}, and ${more.length} more`,
    about: folder,
  });
}
