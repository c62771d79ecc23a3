/**
 * Taking a folder of plain envelopes: each is read once, its content goes to the private copy while it is hashed, and what goes
 * on is the envelope without content.
 */

import { closeSync, mkdirSync, renameSync } from "node:fs";
import { openFileIn } from "../../host/no-follow.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Hasher, Host } from "../../manifests/host.ts";
import { compositionHasher, type IdentityHasher } from "../../manifests/records/identity.ts";
import { shown } from "../../manifests/records/names.ts";
import { EnvelopeBatch } from "../../manifests/records/plain-envelope.ts";
import { broughtLine } from "../../manifests/records/plain-list.ts";
import { documentNames } from "../../manifests/records/plain-names.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { checkListedDocument, checkRequestAgainstPolicy } from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { documentFile, type Progress } from "./copy-documents.ts";
import { sizeOf } from "./entries.ts";
import { strip } from "./envelope/strip.ts";
import { limits, takeTime } from "./limits.ts";
import { type EnvelopeFile, listPlain, type PlainListing } from "./plain-listing.ts";
import { checkUnchangedSince, createPrivately, sourcePieces, writeAll } from "./private-copy.ts";
import { checkSpool, folderMode, makeEmptyFolder } from "./spool-folder.ts";
import type { TakeJob, Taken } from "./take.ts";
import type { Watch } from "./watch.ts";

export { holdsPlainEnvelopes } from "./plain-listing.ts";

/**
 * Copies contents to `into/documents/000001…` and the envelopes without them to `into/envelopes.jsonl`, in the order of the
 * names' bytes, and checks all of it: count, form, signatures, one submitter, digests, then path, age and policy. Incomplete
 * while READY is not there or says more than there are. Refuses with MEDIA-*, DOCUMENT-*, ENVELOPE-*, SUBMITTER-MIXED, CMS-*, DER, PATH-*,
 * POLICY-PROFILE, BATCH-EXPIRED, CLOCK, STORE. What today's policy and time say is judged last, so that also of a refused batch it can be
 * asked whether it was sealed before; contents are kept only where the policy takes plain envelopes at all.
 */
export async function takePlain(
  host: Host,
  batch: number,
  job: TakeJob,
  watch: Watch,
  progress: Progress,
): Promise<Taken> {
  const { policy } = job;
  const listing = listPlain(batch, policy.limits.documents + limits.batchEntries, watch);
  const waiting = incomplete(job, listing);
  if (waiting) return waiting;
  const { envelopes, ignored } = listing;
  checkCount(envelopes.length, policy);
  const names = documentNames(envelopes.map(({ file }) => file));
  const bytes = envelopes.reduce((sum, { size }) => sum + size, 0);
  makeEmptyFolder(job.into);
  checkSpool(job.into, envelopes.length, bytes);
  watch.allow(takeTime(envelopes.length, bytes));
  Object.assign(progress, { of: envelopes.length, ofBytes: bytes });
  const work = new PlainCopy(host, batch, job, watch, progress);
  try {
    for (const [at, envelope] of envelopes.entries()) await work.take(envelope, names[at] as string);
    return { ...(await work.end()), ignored: ignored.slice(0, limits.namesReported) };
  } finally {
    work.close();
  }
}

function incomplete({ settleOver }: TakeJob, { envelopes, ready }: PlainListing): Taken | undefined {
  if (ready === undefined) {
    if (settleOver) throw new Refusal("DOCUMENT-MISSING", "READY is missing, which says how many envelopes there are");
    const got = `no READY, which says how many envelopes there are; ${envelopes.length} so far`;
    return { outcome: "incomplete", missing: ["READY"], missingCount: 1, got };
  }
  const missing = ready - envelopes.length;
  if (missing > 0 && !settleOver) {
    return {
      outcome: "incomplete",
      missing: [],
      missingCount: missing,
      got: `${envelopes.length} of ${ready} envelopes`,
    };
  }
  if (missing === 0) return undefined;
  throw new Refusal("DOCUMENT-COUNT", "READY says another number of envelopes than there are", {
    expected: `${ready}`,
    got: `${envelopes.length}`,
    about: "READY",
  });
}

function checkCount(count: number, { limits: { documents } }: Policy): void {
  if (count <= documents) return;
  throw new Refusal("MEDIA-LIMIT", "too many documents", { expected: `at most ${documents}`, got: `${count}` });
}

class PlainCopy {
  readonly #host: Host;
  readonly #batch: number;
  readonly #job: TakeJob;
  readonly #watch: Watch;
  readonly #progress: Progress;
  readonly #envelopes: EnvelopeBatch;
  readonly #list: number;
  /** whether contents are to be kept */
  readonly #keeps: boolean;
  #composition: IdentityHasher | undefined;
  #count = 0;
  #bytes = 0;

  constructor(host: Host, batch: number, job: TakeJob, watch: Watch, progress: Progress) {
    this.#host = host;
    this.#batch = batch;
    this.#job = job;
    this.#watch = watch;
    this.#progress = progress;
    this.#envelopes = new EnvelopeBatch(host);
    this.#keeps = job.policy.submitters.plainEnvelopes !== false;
    mkdirSync(`${job.into}/documents`, { mode: folderMode });
    this.#list = createPrivately(this.#listPath);
  }

  /** Not under its own name before it is whole: a part of a batch may be another batch that was sealed. */
  get #listPath(): string {
    return `${this.#job.into}/envelopes.partial`;
  }

  /** Refuses as `takePlain`, naming the file. */
  async take({ file, size }: EnvelopeFile, name: string): Promise<void> {
    const content = new Content(this.#host, this.#contentPath(), (length) => this.#checkSizes(name, length));
    let digest: Uint8Array;
    try {
      const envelope = this.#strip(file, size, content);
      digest = await this.#envelopes.add(envelope, (hash) => content.digest(hash));
      writeAll(this.#list, broughtLine({ envelope, file, name, size: content.size }), this.#listPath);
    } catch (fault) {
      throw naming(fault, file);
    } finally {
      content.close();
    }
    await this.#note(digest, content.size);
    this.#progress.documents = this.#count;
    this.#progress.bytes += size;
  }

  async end() {
    const { into, oids, policy, now } = this.#job;
    renameSync(this.#listPath, `${into}/envelopes.jsonl`);
    const { submitter, head } = await this.#envelopes.judge(oids, policy, now);
    checkRequestAgainstPolicy(head, policy, this.#count, this.#bytes, now);
    const batchDigest = hex((await this.#composition?.end()) ?? new Uint8Array(0));
    return { outcome: "taken", batchDigest, head, count: this.#count, bytes: this.#bytes, submitter } as const;
  }

  close(): void {
    closeSync(this.#list);
  }

  #contentPath(): string | undefined {
    return this.#keeps ? `${this.#job.into}/documents/${documentFile(this.#count + 1)}` : undefined;
  }

  #strip(name: string, size: number, content: Content): Uint8Array {
    const source = openFileIn(this.#batch, name);
    if (!source) throw vanished(name);
    const read = { name, source, watch: this.#watch };
    try {
      if (sizeOf(source.stat) !== size) throw vanished(name);
      return strip(sourcePieces(read, size), content);
    } finally {
      closeUnchanged(read);
    }
  }

  #checkSizes(name: string, size: number): void {
    const { policy } = this.#job;
    checkListedDocument({ digest: "", name, size }, policy);
    const { batchBytes } = policy.limits;
    if (this.#bytes + size > batchBytes) {
      throw new Refusal("MEDIA-LIMIT", "too many bytes", { expected: `at most ${batchBytes}`, got: "more" });
    }
  }

  async #note(digest: Uint8Array, size: number): Promise<void> {
    this.#composition ??= compositionHasher(this.#host, (await this.#envelopes.submitter()).keySha256Hex);
    this.#composition.add({ digest: hex(digest), size });
    this.#count++;
    this.#bytes += size;
  }
}

/** SAME-BYTES: what is hashed of a content is what was written to its private copy. */
class Content {
  readonly #host: Host;
  readonly #path: string | undefined;
  readonly #check: (size: number) => void;
  readonly #target: number | undefined;
  readonly #hashers = new Map<HashName, Hasher>();
  size = 0;

  constructor(host: Host, path: string | undefined, check: (size: number) => void) {
    this.#host = host;
    this.#path = path;
    this.#check = check;
    this.#target = path === undefined ? undefined : createPrivately(path);
  }

  begin(hashes: readonly HashName[]): void {
    for (const hash of hashes) this.#hashers.set(hash, this.#host.hasher(hash));
  }

  write(bytes: Uint8Array): void {
    this.size += bytes.length;
    this.#check(this.size);
    for (const hasher of this.#hashers.values()) hasher.update(bytes);
    if (this.#target !== undefined) writeAll(this.#target, bytes, this.#path as string);
  }

  async digest(hash: HashName): Promise<Uint8Array> {
    const hasher = this.#hashers.get(hash);
    if (!hasher)
      throw new Refusal("CMS-ALGORITHM", "the signer's digest is not named before the content", { got: hash });
    return hasher.digest();
  }

  close(): void {
    if (this.#target !== undefined) closeSync(this.#target);
  }
}

/** What was read of a file that changed meanwhile is nobody's envelope, whatever else is wrong with it. */
function closeUnchanged(read: Parameters<typeof checkUnchangedSince>[0]): void {
  try {
    checkUnchangedSince(read);
  } finally {
    closeSync(read.source.descriptor);
  }
}

/** A refusal of one envelope says which. */
function naming(fault: unknown, file: string): unknown {
  if (
    !(fault instanceof Refusal) ||
    fault.about === file ||
    fault.code.startsWith("MEDIA-") ||
    fault.code === "STORE"
  ) {
    return fault;
  }
  return new Refusal(fault.code, `${shown(file)}: ${fault.message}`, {
    ...fault.toRecord(),
    about: file,
    cause: fault,
  });
}

function vanished(name: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(name)} changed while the batch was read`, { about: name });
}
