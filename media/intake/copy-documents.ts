/** Copying a batch's documents one by one in the order of the list, each hashed while it is copied. */

import { closeSync, mkdirSync } from "node:fs";
import { openFileIn, openFolderIn } from "../../host/no-follow.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Hasher, Host } from "../../manifests/host.ts";
import type { BatchHead } from "../../manifests/records/batch-head.ts";
import { shown } from "../../manifests/records/names.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { sizeOf } from "./entries.ts";
import { closing } from "./inbox.ts";
import { copyPrivately } from "./private-copy.ts";
import { folderMode } from "./spool-folder.ts";
import type { Watch } from "./watch.ts";

/** How far a copy is; changed as it goes. */
export interface Progress {
  documents: number;
  of: number;
  bytes: number;
  ofBytes: number;
}

export interface CopyWork {
  readonly host: Host;
  /** descriptor of the batch folder */
  readonly batch: number;
  readonly head: Pick<BatchHead, "digestAlgorithm">;
  readonly into: string;
  readonly watch: Watch;
  readonly progress: Progress;
}

/**
 * Copies the listed documents to `into/documents/000001…`. Refuses with DOCUMENT-DIGEST, MEDIA-CHANGED, MEDIA-KIND,
 * MEDIA-READ, MEDIA-TIME, STORE.
 */
export async function copyDocuments(work: CopyWork, documents: Iterable<ListedDocument>): Promise<void> {
  mkdirSync(`${work.into}/documents`, { mode: folderMode });
  await closing(openFolderIn(work.batch, "documents"), async (folder) => {
    let index = 0;
    for (const document of documents) {
      if (folder === undefined) throw vanished("documents");
      await copyDocument(work, folder, document, ++index);
      work.progress.documents = index;
    }
  });
}

async function copyDocument(work: CopyWork, folder: number, document: ListedDocument, index: number): Promise<void> {
  const { name } = document;
  const source = openFileIn(folder, name);
  if (!source) throw vanished(name);
  try {
    if (sizeOf(source.stat) !== document.size) {
      throw new Refusal("MEDIA-CHANGED", `${shown(name)} changed its size while the batch was read`, { about: name });
    }
    const hasher = work.host.hasher(work.head.digestAlgorithm);
    const target = `${work.into}/documents/${documentFile(index)}`;
    const onBytes = (count: number) => {
      work.progress.bytes += count;
    };
    await copyPrivately({ name, source, target, hasher, watch: work.watch, onBytes });
    await checkDigest(document, hasher);
  } finally {
    closeSync(source.descriptor);
  }
}

/** The name of a document's private copy: its index, six digits or more. */
export function documentFile(index: number): string {
  return String(index).padStart(6, "0");
}

async function checkDigest(document: ListedDocument, hasher: Hasher): Promise<void> {
  const got = hex(await hasher.digest());
  if (got === document.digest) return;
  throw new Refusal("DOCUMENT-DIGEST", `${shown(document.name)} is not the document that is listed`, {
    expected: document.digest,
    got,
    about: document.name,
  });
}

function vanished(name: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(name)} vanished while the batch was read`, { about: name });
}
