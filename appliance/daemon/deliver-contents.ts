/** The contents of plain envelopes beside their receipt: from the spool, or from the stick where they were written before; verified by digest as they go. */

import { closeSync, createReadStream, existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { type OpenFile, openFileIn, openFolderBelow, openRoot } from "../../host/no-follow.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { ListReader, type SealedDocument } from "../../manifests/records/documents-list.ts";
import { contentPath } from "../../manifests/records/names.ts";
import { plainListPath } from "../../manifests/records/plain-list.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { answerNames } from "./answer-folder.ts";
import type { Answer, BatchState } from "./batch-state.ts";
import type { Parts } from "./parts.ts";

/** Told while the files go by. */
export interface Contents {
  /** how many contents are neither in the spool nor on the stick */
  missing: number;
}

/**
 * The files of a receipt and, where plain envelopes were sealed, `documents/…` with their contents after them, as far as the box has
 * them. Refuses with CHECKED-OUT a content that is not the one that was sealed.
 */
export async function* withContents(
  parts: Parts,
  state: BatchState,
  order: { readonly answer: Answer & { readonly kind: "receipt" }; readonly root: string; readonly contents: Contents },
): AsyncIterable<FilePart> {
  const { answer, root, contents } = order;
  let plain = false;
  for await (const part of parts.signer.receipt(answer.number)) {
    if ("path" in part && part.path === plainListPath) plain = true;
    yield part;
  }
  if (!plain || answer.of === "aborted") return;
  for await (const document of sealedDocuments(parts, answer.number)) {
    const file = openContent(parts, state, root, document);
    if (!file) contents.missing++;
    else yield* content(file, document);
  }
}

/** The lines of documents.jsonl, which the manifest names, as a stream of their own. */
async function* sealedDocuments({ signer }: Parts, number: number): AsyncGenerator<SealedDocument> {
  const reader = new ListReader();
  let inList = false;
  for await (const part of signer.receipt(number)) {
    if ("path" in part) {
      if (inList) return reader.end();
      inList = part.path === "documents.jsonl";
    } else if (inList) for (const { entry } of reader.push(part.bytes)) yield entry;
  }
}

function openContent(
  { spool }: Parts,
  state: BatchState,
  root: string,
  document: SealedDocument,
): OpenFile | undefined {
  const { digest, folder } = state;
  const copy = digest !== null && state.spooled ? spool.document(digest, document.index) : undefined;
  const spooled = copy === undefined ? undefined : openBelow(dirname(copy), [basename(copy)]);
  const written = [...answerNames(folder), ...contentPath(document.index, document.name).split("/")];
  return spooled ?? openBelow(root, written);
}

/** A file below a folder that is trusted as named; undefined when either is not there. */
function openBelow(base: string, names: readonly string[]): OpenFile | undefined {
  if (!existsSync(base)) return undefined;
  const top = openRoot(base);
  try {
    const folder = openFolderBelow(top, names.slice(0, -1));
    if (folder === undefined) return undefined;
    try {
      return openFileIn(folder, names.at(-1) as string);
    } finally {
      closeSync(folder);
    }
  } finally {
    closeSync(top);
  }
}

async function* content(file: OpenFile, document: SealedDocument): AsyncGenerator<FilePart> {
  const hasher = nodeHost.hasher(hashOf(document));
  let size = 0;
  yield { path: contentPath(document.index, document.name), size: document.size };
  for await (const bytes of createReadStream("", { fd: file.descriptor, highWaterMark: 1 << 20 })) {
    hasher.update(bytes as Uint8Array);
    size += (bytes as Uint8Array).length;
    if (size > document.size) break;
    yield { bytes: bytes as Uint8Array };
  }
  if (size === document.size && hex(await hasher.digest()) === document.digest) return;
  throw new Refusal("CHECKED-OUT", "the box's copy of a document is not the one that was sealed", {
    about: document.name,
    expected: document.digest,
    got: size === document.size ? "another digest" : `${size} bytes`,
  });
}

/** Which digest a document has, by its length. */
function hashOf({ digest }: SealedDocument): HashName {
  return digest.length === 64 ? "sha256" : digest.length === 96 ? "sha384" : "sha512";
}
