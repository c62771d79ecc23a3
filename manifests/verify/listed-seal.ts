/** Whether a manifest lists a seal: by documents.jsonl as a whole, or by its one line and that line's way to the root. */

import { hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import type { SealedDocument } from "../records/documents-list.ts";
import { includedRoot, readInclusion } from "../records/inclusion.ts";
import type { Manifest } from "../records/manifest.ts";
import { listPath } from "../records/names.ts";
import { Refusal } from "../refusal.ts";
import type { Findings } from "./findings.ts";
import { listEntries } from "./list-file.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import type { CheckedSeal } from "./seal-check.ts";

/** What shows the line of a document; either is enough, and both must hold where both are there. */
export interface ListProof {
  /** documents.jsonl */
  readonly list?: AsyncIterable<Uint8Array>;
  /** inclusion.json */
  readonly inclusion?: Uint8Array;
}

/**
 * The lines that hold proofs show, of the document that a seal says that it is number `index` of; a proof that does not hold is a finding. What they name may be
 * another seal: `listedAmong`.
 */
export async function shownLines(
  host: Host,
  { inclusion, list }: ListProof,
  {
    checked,
    findings,
    index,
  }: { readonly checked: CheckedManifest; readonly findings: Findings; readonly index: number },
): Promise<readonly ShownEntry[]> {
  const { documents } = checked.manifest;
  const shown = [
    list && findings.check(listPath, () => listedEntry(host, list, documents, index)),
    inclusion && findings.check("inclusion.json", () => includedEntry(host, inclusion, documents)),
  ];
  return (await Promise.all(shown)).filter((one) => one !== undefined);
}

/** The line that lists this very seal; undefined where none is shown, and where one names another seal, which is then a finding. */
export function listedAmong(
  shown: readonly ShownEntry[],
  { digest }: Pick<CheckedSeal, "digest">,
  findings: Findings,
): SealedDocument | undefined {
  let listed: SealedDocument | undefined;
  for (const { entry } of shown) {
    if (entry?.sealDigest === digest) listed = entry;
    else findings.add("seal", "SEAL-BIND", "the manifest does not list this seal", { got: digest });
  }
  return listed;
}

/** What a proof that holds shows; undefined: the list has no such line. */
export interface ShownEntry {
  readonly entry: SealedDocument | undefined;
}

/** Refuses MANIFEST-BIND a list that the manifest does not name, and as `listEntries`. */
async function listedEntry(
  host: Host,
  list: AsyncIterable<Uint8Array>,
  documents: Manifest["documents"],
  index: number,
): Promise<ShownEntry> {
  const file = host.hasher("sha256");
  let found: SealedDocument | undefined;
  for await (const entry of listEntries(hashed(list, file))) if (entry.index === index) found = entry;
  if (hex(await file.digest()) !== documents.digest) {
    throw new Refusal("MANIFEST-BIND", "this is not the file that the manifest names");
  }
  return { entry: found };
}

/** Refuses MANIFEST-BIND a path that does not lead to the manifest's root, and as `readInclusion` and `includedRoot`. */
async function includedEntry(host: Host, bytes: Uint8Array, documents: Manifest["documents"]): Promise<ShownEntry> {
  const inclusion = readInclusion(bytes);
  const root = hex(await includedRoot(host, inclusion));
  if (root !== documents.root || inclusion.treeSize !== documents.sealed) {
    throw new Refusal("MANIFEST-BIND", "this does not lead to the root of the list that the manifest names", {
      expected: `${documents.root}, of ${documents.sealed} lines`,
      got: `${root}, of ${inclusion.treeSize} lines`,
    });
  }
  return { entry: inclusion.leaf };
}

async function* hashed(pieces: AsyncIterable<Uint8Array>, file: { update(bytes: Uint8Array): void }) {
  for await (const piece of pieces) {
    file.update(piece);
    yield piece;
  }
}
