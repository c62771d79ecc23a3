/** seals/ and the documents: every listed document has its one seal, every seal its document, and nothing else lies there. */

import type { Utc } from "../encoding/shape.ts";
import type { SealedDocument } from "../records/documents-list.ts";
import { contentPath, listPath, sealPath } from "../records/names.ts";
import type { ListedDocument } from "../records/request.ts";
import type { Findings } from "./findings.ts";
import { listOrNone, NumberedFolders } from "./numbered-folders.ts";
import { type Expected, laterOf, type SealCount, type SealCrew, type SliceResult } from "./seal-slices.ts";
import type { BundleSource } from "./source.ts";

export interface SealWork {
  readonly source: BundleSource;
  readonly crew: SealCrew;
  readonly findings: Findings;
  /** whether the bundle may hold the documents itself: those that came in plain envelopes */
  readonly contents: boolean;
}

/** What is read piece by piece, or held already. */
type Each<T> = Iterable<T> | AsyncIterable<T>;

/** So many seals go to a crew at a time. */
const sliceLength = 128;

/**
 * Has each seal and, where presented, its document checked; counts those that hold, and gives the chain of the last slice that
 * knows one.
 */
export async function checkSealFiles(
  { source, crew, findings, contents }: SealWork,
  expected: AsyncIterable<Expected>,
): Promise<Omit<SliceResult, "findings">> {
  const folders = new NumberedFolders({ source, findings }, "seals");
  const documents = new NumberedFolders({ source, findings }, "documents");
  const total = new Total(findings);
  const givenOut: Promise<SliceResult>[] = [];
  const running = new Set<Promise<SliceResult>>();
  let results: readonly PromiseSettledResult<SliceResult>[] = [];
  let slice: Expected[] = [];
  const giveOut = async () => {
    if (slice.length === 0) return;
    const checking = crew.check(slice);
    const ended = () => void running.delete(checking);
    checking.then(ended, ended); // it is awaited at the end
    givenOut.push(checking);
    running.add(checking);
    slice = [];
    // Whichever is done first: who is quick does not wait for who is slow.
    if (running.size >= crew.slices) await Promise.race(running);
  };
  try {
    for await (const one of expected) {
      await folders.expect(one.seal);
      const content = contents ? contentPath(one.index, one.document.name) : undefined;
      const inside = content !== undefined && (await documents.expect(content));
      if (slice.push(inside ? { ...one, content } : one) === sliceLength) await giveOut();
    }
    await giveOut();
  } finally {
    // Also where the list or the request broke off: what was found before that is told.
    results = await Promise.allSettled(givenOut);
    for (const one of results) if (one.status === "fulfilled") total.add(one.value);
  }
  for (const one of results) if (one.status === "rejected") throw one.reason;
  await folders.end();
  if (contents) await documents.end();
  return total.result;
}

/** The sum of slices, in their order. */
class Total {
  readonly #findings: Findings;
  #count: SealCount = { seals: 0, documents: 0, notPresented: 0 };
  #chain: readonly Uint8Array[] | undefined;
  #latest: Utc | undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get result(): Omit<SliceResult, "findings"> {
    return { ...this.#count, chain: this.#chain, latest: this.#latest };
  }

  add({ seals, documents, notPresented, findings, chain, latest }: SliceResult): void {
    const count = this.#count;
    this.#count = {
      seals: count.seals + seals,
      documents: count.documents + documents,
      notPresented: count.notPresented + notPresented,
    };
    this.#findings.take(findings);
    this.#chain = chain ?? this.#chain;
    this.#latest = laterOf(this.#latest, latest);
  }
}

/** Every seal of an aborted batch, each of which counts for nothing. */
export async function findAbortedSeals(source: BundleSource, findings: Findings): Promise<void> {
  for (const folder of await listOrNone({ source, findings }, "seals")) {
    const names = await listOrNone({ source, findings }, `seals/${folder}`);
    for (const file of names.length === 0 ? [`seals/${folder}`] : names.map((name) => `seals/${folder}/${name}`)) {
      findings.add(file, "ABORTED", "a seal of a batch that was aborted");
    }
  }
}

/** The documents of the list, numbered, as what to expect when only the request is to be believed. */
export async function* expectedByRequest(documents: Each<ListedDocument>): AsyncIterable<Expected> {
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
  entries: Each<SealedDocument>,
  documents: Each<ListedDocument> | undefined,
  findings: Findings,
): AsyncIterable<Expected> {
  const listed = documents && eachOf(documents);
  for await (const { index, name, digest, size, seal, sealDigest } of entries) {
    const document = { digest, name, size };
    const next = await listed?.next();
    if (next && !(next.done !== true && sameDocument(next.value, document))) {
      findings.add(listPath, "SEAL-BIND", `line ${index} is not the document that the request lists there`);
    }
    yield { index, document, seal, sealDigest };
  }
  // To the end, so that it is seen to be the file that was read before.
  while (listed && (await listed.next()).done !== true);
}

function eachOf<T>(all: Each<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : all[Symbol.iterator]();
}

function sameDocument(a: ListedDocument, b: ListedDocument): boolean {
  return a.name === b.name && a.size === b.size && a.digest === b.digest;
}
