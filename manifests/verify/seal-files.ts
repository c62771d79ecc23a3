/** seals/ and the documents: every listed document has its one seal, every seal its document, and nothing else lies there. */

import type { HashName } from "../cms/suite.ts";
import { hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import type { SealedDocument } from "../records/documents-list.ts";
import { identityHasher } from "../records/identity.ts";
import { sealPath } from "../records/names.ts";
import type { ListedDocument } from "../records/request.ts";
import { Refusal } from "../refusal.ts";
import type { Findings } from "./findings.ts";
import { knownDigest, type SealChecker } from "./seal-check.ts";
import { type BundleSource, readSmall } from "./source.ts";

/** A document as the list or, where that is not to be believed, the request has it. */
export interface Expected {
  readonly index: number;
  readonly document: ListedDocument;
  readonly seal: string;
  /** undefined: only documents.jsonl says it */
  readonly sealDigest: string | undefined;
}

export interface SealCount {
  readonly seals: number;
  readonly documents: number;
  readonly notPresented: number;
}

export interface SealWork {
  readonly source: BundleSource;
  readonly checker: SealChecker;
  readonly digestAlgorithm: HashName;
  readonly findings: Findings;
}

const sealLimit = 64 * 1024;

/** Checks each seal and, where presented, its document; counts those that hold. */
export async function checkSealFiles(work: SealWork, expected: AsyncIterable<Expected>): Promise<SealCount> {
  const folder = new SealFolders(work.source, work.findings);
  let seals = 0;
  let documents = 0;
  let notPresented = 0;
  for await (const one of expected) {
    await folder.expect(one.seal);
    if (await checkSealFile(work, one)) seals++;
    const held = await checkDocument(work, one.document);
    if (held === "not presented") notPresented++;
    else if (held) documents++;
  }
  await folder.end();
  return { seals, documents, notPresented };
}

/** Every seal of an aborted batch, each of which counts for nothing. */
export async function findAbortedSeals(source: BundleSource, findings: Findings): Promise<void> {
  for (const folder of await listOrNone(source, "seals", findings)) {
    const names = await listOrNone(source, `seals/${folder}`, findings);
    for (const file of names.length === 0 ? [`seals/${folder}`] : names.map((name) => `seals/${folder}/${name}`)) {
      findings.add(file, "ABORTED", "a seal of a batch that was aborted");
    }
  }
}

/** The documents of the list, numbered, as what to expect when only the request is to be believed. */
export async function* expectedByRequest(documents: AsyncIterable<ListedDocument>): AsyncIterable<Expected> {
  let index = 0;
  for await (const document of documents) {
    index++;
    yield { index, document, seal: sealPath(index, document.name), sealDigest: undefined };
  }
}

/**
 * The entries of documents.jsonl as what to expect. With the request's documents beside them, each must be the one that
 * the request lists there: differences become findings of documents.jsonl, as do entries too few or too many (unless `aborted`).
 */
export async function* expectedByList(
  entries: AsyncIterable<SealedDocument>,
  documents: AsyncIterable<ListedDocument> | undefined,
  findings: Findings,
): AsyncIterable<Expected> {
  const listed = documents?.[Symbol.asyncIterator]();
  for await (const { index, name, digest, size, seal, sealDigest } of entries) {
    const document = { digest, name, size };
    const next = await listed?.next();
    if (next && !(next.done !== true && sameDocument(next.value, document))) {
      findings.add("documents.jsonl", "SEAL-BIND", `line ${index} is not the document that the request lists there`);
    }
    yield { index, document, seal, sealDigest };
  }
  // To the end, so that it is seen to be the file that was read before.
  while (listed && (await listed.next()).done !== true);
}

/** SEAL-ONCE identity of the documents that pass through, hex. */
export async function identityOf(
  host: Host,
  documents: AsyncIterable<ListedDocument>,
  keySha256Hex: string,
  batch: string,
): Promise<string> {
  const hasher = identityHasher(host, keySha256Hex, batch);
  for await (const document of documents) hasher.add(document);
  return hex(await hasher.end());
}

async function checkSealFile(
  { source, checker, digestAlgorithm, findings }: SealWork,
  one: Expected,
): Promise<boolean> {
  const held = await findings.check(one.seal, async () => {
    const bytes = await readSmall(source, one.seal, sealLimit);
    const documentDigest = knownDigest(digestAlgorithm, one.document.digest);
    return checker.check(bytes, { documentDigest, index: one.index, sealDigest: one.sealDigest });
  });
  return held !== undefined;
}

async function checkDocument(work: SealWork, document: ListedDocument): Promise<boolean | "not presented"> {
  const file = `documents/${document.name}`;
  const held = await work.findings.check(file, async () => {
    const found = await digestOf(work, document.name);
    if (!found) return "not presented";
    if (found.size !== document.size) {
      const detail = { expected: `${document.size} bytes`, got: `${found.size} bytes` };
      throw new Refusal("DOCUMENT-SIZE", "the document has another size", detail);
    }
    if (hex(found.digest) !== document.digest) {
      const detail = { expected: document.digest, got: hex(found.digest) };
      throw new Refusal("DOCUMENT-DIGEST", "the document was changed", detail);
    }
    return true;
  });
  return held ?? false;
}

async function digestOf({ source, digestAlgorithm }: SealWork, name: string) {
  try {
    return await source.documentDigest(name, digestAlgorithm);
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal("BUNDLE-FORM", "the document cannot be read", { cause });
  }
}

/** Holds the names of one folder of seals at a time; what was not expected there is found when it is left. */
class SealFolders {
  readonly #source: BundleSource;
  readonly #findings: Findings;
  readonly #seen = new Set<string>();
  #folder: string | undefined;
  #names = new Set<string>();

  constructor(source: BundleSource, findings: Findings) {
    this.#source = source;
    this.#findings = findings;
  }

  async expect(seal: string): Promise<void> {
    const [, folder, name] = seal.split("/") as [string, string, string];
    if (folder !== this.#folder) {
      this.#leave();
      this.#folder = folder;
      this.#seen.add(folder);
      this.#names = new Set(await listOrNone(this.#source, `seals/${folder}`, this.#findings));
    }
    this.#names.delete(name);
  }

  async end(): Promise<void> {
    this.#leave();
    for (const folder of await listOrNone(this.#source, "seals", this.#findings)) {
      if (!this.#seen.has(folder)) this.#findings.add(`seals/${folder}`, "BUNDLE-FORM", "nothing covers this");
    }
  }

  #leave(): void {
    for (const name of this.#names) {
      this.#findings.add(`seals/${this.#folder}/${name}`, "BUNDLE-FORM", "nothing covers this file");
    }
    this.#names.clear();
  }
}

async function listOrNone(source: BundleSource, folder: string, findings: Findings): Promise<readonly string[]> {
  return (await findings.check(folder, () => source.list(folder))) ?? [];
}

function sameDocument(a: ListedDocument, b: ListedDocument): boolean {
  return a.name === b.name && a.size === b.size && a.digest === b.digest;
}
