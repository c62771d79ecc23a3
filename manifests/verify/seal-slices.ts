/** A slice of a bundle's seals and documents, checked one by one; slices know nothing of each other, so several threads may share them. */

import type { HashName } from "../cms/suite.ts";
import { hex } from "../encoding/bytes.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { ListedDocument } from "../records/request.ts";
import { Refusal } from "../refusal.ts";
import { type Finding, Findings } from "./findings.ts";
import { knownDigest, SealChecker, type SealContext } from "./seal-check.ts";
import { type BundleSource, piecesOf, readSmall } from "./source.ts";

/** A document as the list or, where that is not to be believed, the request has it. */
export interface Expected {
  readonly index: number;
  readonly document: ListedDocument;
  readonly seal: string;
  /** undefined: only documents.jsonl says it */
  readonly sealDigest: string | undefined;
  /** path of the document in the bundle itself, where it lies there */
  readonly content?: string;
}

/** How many seals, and documents that were presented, hold. */
export interface SealCount {
  readonly seals: number;
  readonly documents: number;
  readonly notPresented: number;
}

export interface SliceResult extends SealCount {
  readonly findings: readonly Finding[];
  /** see `SealChecker.chain` */
  readonly chain: readonly Uint8Array[] | undefined;
  /** the latest time that a seal claims which holds */
  readonly latest: Utc | undefined;
}

/** What all slices of a bundle are held against; a plain value that can go to another thread. */
export interface SliceContext extends SealContext {
  readonly digestAlgorithm: HashName;
}

/** Who checks slices: this thread (`inPlace`), or others. */
export interface SealCrew {
  /** so many slices may be given out before the first is back */
  readonly slices: number;
  /** Never rejects for what is wrong with a seal or document: that is a finding. */
  check(slice: readonly Expected[]): Promise<SliceResult>;
}

/** Makes the crew of one bundle; `count`: how many seals there are to check. */
export type OpenCrew = (context: SliceContext, count: number) => SealCrew;

export function inPlace(host: Host, source: BundleSource): OpenCrew {
  return (context) => {
    const checker = new SealChecker(host, context);
    return { slices: 1, check: (slice) => checkSlice({ host, source, checker, context }, slice) };
  };
}

interface SliceWork {
  readonly host: Host;
  readonly source: BundleSource;
  readonly checker: SealChecker;
  readonly context: SliceContext;
}

const sealLimit = 64 * 1024;

/** The later of two times, of which either may not be known. */
export function laterOf(one: Utc | undefined, other: Utc | undefined): Utc | undefined {
  return one !== undefined && (other === undefined || one > other) ? one : other;
}

async function checkSlice(work: SliceWork, slice: readonly Expected[]): Promise<SliceResult> {
  const findings = new Findings();
  let seals = 0;
  let documents = 0;
  let notPresented = 0;
  let latest: Utc | undefined;
  for (const one of slice) {
    const signed = await checkSealFile(work, findings, one);
    if (signed !== undefined) seals++;
    latest = laterOf(latest, signed);
    const held = await checkDocument(work, findings, one);
    if (held === "not presented") notPresented++;
    else if (held) documents++;
  }
  return { seals, documents, notPresented, findings: findings.all, chain: work.checker.chain, latest };
}

/** The time that the seal claims, where it holds. */
async function checkSealFile(
  { source, checker, context }: SliceWork,
  findings: Findings,
  one: Expected,
): Promise<Utc | undefined> {
  const held = await findings.check(one.seal, async () => {
    const bytes = await readSmall(source, one.seal, sealLimit);
    const documentDigest = knownDigest(context.digestAlgorithm, one.document.digest);
    return checker.check(bytes, { documentDigest, index: one.index, sealDigest: one.sealDigest });
  });
  return held?.signed;
}

async function checkDocument(
  work: SliceWork,
  findings: Findings,
  { document, content }: Expected,
): Promise<boolean | "not presented"> {
  const file = content ?? `documents/${document.name}`;
  const held = await findings.check(file, async () => {
    const found = await (content === undefined ? digestOf(work, document) : digestInside(work, content, document.size));
    if (!found) return "not presented";
    if (found.size !== document.size) throw otherSize(document.size, `${found.size} bytes`);
    if (hex(found.digest) !== document.digest) {
      const detail = { expected: document.digest, got: hex(found.digest) };
      throw new Refusal("DOCUMENT-DIGEST", "the document was changed", detail);
    }
    return true;
  });
  return held ?? false;
}

/** Of a document that the bundle holds itself. Refuses DOCUMENT-SIZE once it is longer than it should be, however long it is. */
async function digestInside({ host, source, context }: SliceWork, path: string, listedSize: number) {
  const hasher = host.hasher(context.digestAlgorithm);
  let size = 0;
  for await (const piece of piecesOf(source, path)) {
    size += piece.length;
    if (size > listedSize) throw otherSize(listedSize, "more");
    hasher.update(piece);
  }
  return { digest: await hasher.digest(), size };
}

function otherSize(listed: number, got: string): Refusal {
  return new Refusal("DOCUMENT-SIZE", "the document has another size", { expected: `${listed} bytes`, got });
}

async function digestOf({ source, context }: SliceWork, { name, size }: ListedDocument) {
  try {
    return await source.documentDigest(name, context.digestAlgorithm, size);
  } catch (cause) {
    throw cause instanceof Refusal ? cause : new Refusal("BUNDLE-FORM", "the document cannot be read", { cause });
  }
}
