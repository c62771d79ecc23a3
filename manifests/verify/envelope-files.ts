/** envelopes/: the list of what came in plain envelopes, and each envelope without its content, which the submitter signed. */

import { hex } from "../encoding/bytes.ts";
import type { OwnOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { usualMode } from "../records/emergency.ts";
import { compositionHasher, identityHasher } from "../records/identity.ts";
import { EnvelopeBatch, envelopeLimit, type JudgedEnvelopes } from "../records/plain-envelope.ts";
import { type ListedEnvelope, PlainListReader, plainListPath } from "../records/plain-list.ts";
import type { ListedDocument } from "../records/request.ts";
import { checkRequestAgainstPolicy } from "../records/request-envelope.ts";
import { Refusal } from "../refusal.ts";
import { checkAgainstEnvelopes } from "./binding.ts";
import type { Opened, Work } from "./bundle-files.ts";
import { NumberedFolders } from "./numbered-folders.ts";
import type { ReadComposition } from "./request-file.ts";
import { type BundleSource, piecesOf, readAgain, readSmall } from "./source.ts";
import { lookUpOthers } from "./trust.ts";

/**
 * envelopes/, if the documents of the list are those that the manifest names. Every envelope is verified and must be over the document
 * that is listed with it; one submitter signed all of them, whom the policy takes at the last approval.
 */
export async function openEnvelopes(work: Work, oids: OwnOids, parts: Opened): Promise<ReadComposition | undefined> {
  const { host, source, trust, findings } = work;
  const { checked } = parts;
  const list = await findings.check(plainListPath, () => readList(host, source));
  if (!list) return undefined;
  if (checked && list.fileDigest !== checked.manifest.request.file) {
    findings.add(plainListPath, "MANIFEST-BIND", "this is not the file that the manifest names");
    return undefined; // not to be held against the envelopes
  }
  const envelopes = new EnvelopeBatch(host);
  const listed = await findings.check(plainListPath, () => checkAll(work, list.fileDigest, envelopes));
  if (!listed) return undefined;
  const { approved } = parts.policies;
  const mode = checked?.manifest.mode ?? (approved ? usualMode(approved.policy) : "test");
  const head = { digestAlgorithm: envelopes.digestAlgorithm, mode };
  const form = { ...list, digest: listed.digest, documents: listedDocuments, file: plainListPath, head };
  const judged = await findings.check(plainListPath, () => judge(oids, envelopes, form, parts));
  const lookedUp =
    judged && (await findings.check(plainListPath, () => lookUpOthers(host, trust, judged.paths, judged.at)));
  const read = lookedUp ? { ...form, lookedUp } : form;
  if (!checked) return read;
  await findings.check("manifest.p7m", () => checkAgainstEnvelopes(checked.manifest, read, listed));
  return read.digest === checked.manifest.request.digest ? read : undefined;
}

async function readList(host: Host, source: BundleSource) {
  const file = host.hasher("sha256");
  const reader = new PlainListReader();
  for await (const piece of piecesOf(source, plainListPath)) {
    file.update(piece);
    for (const _ of reader.push(piece));
  }
  reader.end();
  return { count: reader.count, bytes: reader.bytes, fileDigest: hex(await file.digest()) };
}

/** The entries of a list, as they are read. Throws what `PlainListReader` refuses. */
async function* listEntries(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ListedEnvelope> {
  const reader = new PlainListReader();
  for await (const piece of pieces) yield* reader.push(piece);
  reader.end();
}

async function* listedDocuments(pieces: AsyncIterable<Uint8Array>): AsyncIterable<ListedDocument> {
  for await (const { digest, name, size } of listEntries(pieces)) yield { digest, name, size };
}

/**
 * Verifies every envelope; what is wrong with one is a finding of its file. Gives who signed, and what follows from that and
 * the list; undefined when no envelope holds.
 */
async function checkAll(work: Work, fileDigest: string, envelopes: EnvelopeBatch) {
  const folders = new NumberedFolders(work, "envelopes", ["list.jsonl"]);
  let held = 0;
  for await (const entry of listEntries(readAgain(work, plainListPath, fileDigest))) {
    await folders.expect(entry.envelope);
    if (await work.findings.check(entry.envelope, () => checkEnvelope(work, entry, envelopes))) held++;
  }
  await folders.end();
  if (held === 0) return undefined;
  const submitter = await envelopes.submitter();
  const composition = compositionHasher(work.host, submitter.keySha256Hex);
  const identity = identityHasher(work.host, submitter.keySha256Hex, "");
  for await (const entry of listEntries(readAgain(work, plainListPath, fileDigest))) {
    composition.add(entry);
    identity.add(entry);
  }
  return { submitter, digest: hex(await composition.end()), identity: hex(await identity.end()) };
}

async function checkEnvelope({ host, source }: Work, entry: ListedEnvelope, envelopes: EnvelopeBatch): Promise<true> {
  const bytes = await readSmall(source, entry.envelope, envelopeLimit);
  const got = hex(await host.digest("sha256", bytes));
  if (got !== entry.envelopeDigest) {
    const detail = { expected: entry.envelopeDigest, got };
    throw new Refusal("MANIFEST-BIND", "this is not the envelope that the list names", detail);
  }
  const digest = hex(await envelopes.add(bytes));
  if (digest !== entry.digest) {
    const detail = { expected: entry.digest, got: digest };
    throw new Refusal("CMS-DIGEST", "the envelope is over another document than the list says", detail);
  }
  return true;
}

/** What the policy makes of them, with the submitter's paths and when they are judged; without a policy nothing says who may submit. */
async function judge(
  oids: OwnOids,
  envelopes: EnvelopeBatch,
  { count, bytes }: ReadComposition,
  { checked, policies, authorization }: Opened,
): Promise<{ readonly paths: JudgedEnvelopes["paths"]; readonly at: Utc } | undefined> {
  const policy = policies.approved?.policy;
  const at = authorization?.completed ?? checked?.manifest.created;
  if (!policy || at === undefined) return undefined;
  const { head, paths } = await envelopes.judge(oids, policy, at);
  checkRequestAgainstPolicy(head, policy, count, bytes, at);
  return { paths, at };
}
