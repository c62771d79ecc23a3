/**
 * The closing record of an emergency: a hash tree over every seal that was made in it, signed by the box's audit key when officers ended it
 * (docs/formats.md, "closing.p7m"). A leaf is a manifest, whose own root is over its documents and seals.
 */

import { readSignedData, type SignedData } from "../cms/read.ts";
import { hex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import type { OwnOids } from "../encoding/oid.ts";
import { hexText, integer, list, literal, object, oneOf, optional, type Read, text, utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { causes, readNamedText } from "./emergency.ts";
import type { Manifest } from "./manifest.ts";
import { leafHash, MerkleRoot } from "./merkle.ts";
import { type NumberRange, rangeText } from "./number-ranges.ts";

/** Most manifests of one emergency: the box takes no more batches in it then. */
export const mostClosed = 10_000;

/** Most bytes of a closing record with so many. */
export const closingLimit = 4 << 20;

const readClosedManifest = object({
  /** SHA-256 of the manifest's content */
  digest: hexText(),
  number: integer(1),
  outcome: oneOf(["sealed", "aborted"]),
  /** the manifest's documents.root: over its documents and their seals */
  root: hexText(),
  /** seals that count: none of an aborted batch */
  seals: integer(0),
});
export type ClosedManifest = Read<typeof readClosedManifest>;

const readClosingValue = object({
  appliance: text(64),
  cause: oneOf(causes),
  created: utc,
  /** of the order that declared it, and of the one that ended it */
  declared: object({ number: integer(1), order: hexText(), since: utc }),
  ended: object({ number: integer(1), order: hexText(), time: utc }),
  journal: object({ head: hexText(), sequence: integer(1) }),
  /** every manifest of the emergency that the box knows of, by rising numbers */
  manifests: list(readClosedManifest, 0, mostClosed),
  /** numbers that the loss of a disk left unexplained since: what they were is not known; left out where there are none */
  missing: optional(list(object({ from: integer(1), to: integer(1) }), 1, 10_000)),
  /** continuity records since it was declared: seals were counted anew then; left out where there is none */
  recoveries: optional(integer(1)),
  policy: object({ digest: hexText(), genesis: hexText(), number: integer(1) }),
  /** RFC 9162 root over the canonical JSON of each of `manifests` */
  root: hexText(),
  seals: integer(0),
  text: readNamedText,
  type: literal("closing"),
  version: literal(1),
});
export type Closing = Read<typeof readClosingValue>;

/** Seals of a manifest that count: none of an aborted batch. */
export function countedSeals({ documents, outcome }: Pick<Manifest, "documents" | "outcome">): number {
  return outcome === "sealed" ? documents.sealed : 0;
}

/** As a closing record lists a manifest; `digest`: SHA-256 of its content, hex. */
export function closedManifest(
  manifest: Pick<Manifest, "documents" | "number" | "outcome">,
  digest: string,
): ClosedManifest {
  const { documents, number, outcome } = manifest;
  return { digest, number, outcome, root: documents.root, seals: countedSeals(manifest) };
}

/** All of it but its number, to be held against another or shown. */
export function closedText({ digest, outcome, root, seals }: ClosedManifest): string {
  return `${digest}, ${outcome}, ${seals} seals, root ${root}`;
}

/** Reads the canonical JSON of a closing record. Refuses JSON, SHAPE. Whether it holds is `verifyClosing`'s matter. */
export function readClosing(content: Uint8Array): Closing {
  return readClosingValue(readCanonical(content), "closing");
}

/** Canonical bytes, read back before they are given out. */
export function closingBytes(closing: Closing): Uint8Array {
  const bytes = canonicalBytes(closing as Json);
  readClosing(bytes);
  return bytes;
}

/** RFC 9162 root over manifests, in their order; 32 bytes. */
export async function closingRoot(host: Host, manifests: readonly ClosedManifest[]): Promise<Uint8Array> {
  const tree = new MerkleRoot(host);
  for (const one of manifests) await tree.add(await leafHash(host, canonicalBytes(one as Json)));
  return tree.root();
}

/** A closing record as it stands in its file; its signature is not verified. Refuses DER, CMS-*, JSON, SHAPE, CLOSING (it contradicts itself). */
export async function readSignedClosing(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
): Promise<{ readonly closing: Closing; readonly content: Uint8Array; readonly data: SignedData }> {
  const data = readSignedData(p7m);
  if (data.eContentType !== oids.closing || !data.content) {
    throw new Refusal("CMS-TYPE", "not a closing record", { expected: oids.closing, got: data.eContentType });
  }
  const closing = readClosing(data.content);
  await checkClosing(host, closing);
  return { closing, content: data.content, data };
}

/** Refuses with CLOSING a record that contradicts itself. Times are not held against each other: the clock may have been set back since. */
export async function checkClosing(
  host: Host,
  { declared, ended, manifests, missing = [], root, seals }: Closing,
): Promise<void> {
  const ranges = manifests.map(({ number }) => ({ from: number, to: number }));
  if (!areRising(ranges) || !areRising(missing)) {
    const got = [...ranges, ...missing].map(rangeText).join(", ");
    throw new Refusal("CLOSING", "numbers of a closing record do not rise", { expected: "each once, rising", got });
  }
  const both = manifests.find(({ number }) => isMissing({ missing }, number));
  if (both) {
    throw new Refusal("CLOSING", "a closing record knows a manifest that it calls missing", { got: `${both.number}` });
  }
  const sum = manifests.reduce((total, one) => total + one.seals, 0);
  const found = hex(await closingRoot(host, manifests));
  if (sum !== seals || found !== root || manifests.some((one) => one.outcome === "aborted" && one.seals > 0)) {
    throw new Refusal("CLOSING", "a closing record is not over what it lists", {
      expected: `${sum} seals, root ${found}`,
      got: `${seals} seals, root ${root}`,
    });
  }
  if (declared.number >= ended.number) {
    throw new Refusal("CLOSING", "a closing record ends before it begins", {
      expected: `an order after number ${declared.number}`,
      got: `number ${ended.number}`,
    });
  }
}

/** Whether a number is among those that the loss of a disk left unexplained. */
export function isMissing({ missing = [] }: Pick<Closing, "missing">, number: number): boolean {
  return missing.some(({ from, to }) => number >= from && number <= to);
}

export type Listed = "listed" | "missing" | "not-listed";

/**
 * How a closing record has manifests of its emergency; `digest`: SHA-256 of the content, hex. "not-listed": it neither lists the manifest as it is nor calls its number missing, or the
 * manifest was made after it, by the journal's rows.
 */
export function closingLists(
  closing: Pick<Closing, "journal" | "manifests" | "missing">,
): (manifest: Pick<Manifest, "journal" | "number"> & { readonly digest: string }) => Listed {
  const digests = new Map(closing.manifests.map(({ digest, number }) => [number, digest]));
  return ({ digest, journal, number }) => {
    if (journal.sequence > closing.journal.sequence) return "not-listed";
    if (digests.has(number)) return digests.get(number) === digest ? "listed" : "not-listed";
    return isMissing(closing, number) ? "missing" : "not-listed";
  };
}

function areRising(ranges: readonly NumberRange[]): boolean {
  return ranges.every(({ from, to }, at) => from <= to && from > (ranges[at - 1]?.to ?? 0));
}
