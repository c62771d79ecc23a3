/** What a client sends, written into a private folder as it comes, and in the form of a stick: an archive of one, or one record in the place that its kind has there. */

import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { faultWords } from "../../host/fault-words.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { TarReader, tooMany, tooMuch } from "./tar-reader.ts";

export interface UploadLimits {
  readonly bytes: number;
  /** and folders, those too that a name implies */
  readonly files: number;
}

/** Records that are one file, and where such a file lies on a stick (docs/formats.md, "The stick"). */
export const recordPlaces = {
  closing: "coldseal/closings/0001.p7m",
  custody: "coldseal/custody/custody.jsonl",
  order: "coldseal/orders/0001.p7m",
  policy: "coldseal/policies/policy-0001.p7m",
  refusal: "coldseal/outbox/refusal/refusal.p7m",
  transcript: "coldseal/transcripts/0001.p7m",
} as const;
export type RecordKind = keyof typeof recordPlaces;

/** Unpacks into `folder`, which is empty. Refuses UPLOAD an archive that is none, cut short or too large; STORE where it cannot be written. */
export async function unpackArchive(
  folder: string,
  pieces: AsyncIterable<Uint8Array>,
  limits: UploadLimits,
): Promise<void> {
  const reader = new TarReader({ entries: limits.files, fileBytes: limits.bytes });
  const tree = new NewTree(folder, limits.files);
  let file: { readonly path: string; readonly descriptor: number } | undefined;
  try {
    for await (const piece of bounded(pieces, limits.bytes)) {
      for (const part of reader.push(piece)) {
        switch (part.kind) {
          case "folder":
            tree.folder(part.path);
            break;
          case "file":
            file = { path: part.path, descriptor: tree.file(part.path) };
            break;
          case "bytes":
            if (file) append(file, part.bytes);
            break;
          case "end":
            if (file) closeSync(file.descriptor);
            file = undefined;
            break;
        }
      }
    }
    reader.end();
  } finally {
    if (file) closeSync(file.descriptor);
  }
}

/** Writes one record into `folder`. Refuses UPLOAD an empty or too large one, STORE. */
export async function placeRecord(
  folder: string,
  kind: RecordKind,
  pieces: AsyncIterable<Uint8Array>,
  { bytes }: UploadLimits,
): Promise<void> {
  const path = recordPlaces[kind];
  const file = { path, descriptor: new NewTree(folder, Number.POSITIVE_INFINITY).file(path) };
  let length = 0;
  try {
    for await (const piece of bounded(pieces, bytes)) {
      append(file, piece);
      length += piece.length;
    }
  } finally {
    closeSync(file.descriptor);
  }
  if (length === 0) throw new Refusal("UPLOAD", "nothing was sent", { expected: "one record", got: "no bytes" });
}

async function* bounded(pieces: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > most) throw tooLarge(most);
    yield piece;
  }
}

export function tooLarge(most: number): Refusal {
  return tooMuch("what was sent is too large", `at most ${most} bytes`, "more");
}

/** Files and folders below an empty folder, no more than so many. Nothing is written over: a name that stands twice is refused. */
class NewTree {
  readonly #root: string;
  readonly #most: number;
  readonly #folders = new Set(["."]);
  #made = 0;

  constructor(root: string, most: number) {
    this.#root = root;
    this.#most = most;
  }

  /** With those above it, each made and counted once. */
  folder(path: string): void {
    if (this.#folders.has(path)) return;
    this.folder(dirname(path));
    this.#count();
    written(path, () => mkdirSync(join(this.#root, path), { mode: 0o700 }));
    this.#folders.add(path);
  }

  /** Its descriptor. */
  file(path: string): number {
    this.folder(dirname(path));
    this.#count();
    return written(path, () => openSync(join(this.#root, path), "wx", 0o600));
  }

  #count(): void {
    if (++this.#made > this.#most) throw tooMany(this.#most);
  }
}

function append({ descriptor, path }: { readonly descriptor: number; readonly path: string }, bytes: Uint8Array): void {
  written(path, () => {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
  });
}

const twice: readonly (string | undefined)[] = ["EEXIST", "ENOTDIR", "EISDIR"];

function written<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (twice.includes(code)) {
      throw new Refusal("UPLOAD", `${shown(path)} stands twice in the archive`, { expected: "each name once", cause });
    }
    throw new Refusal("STORE", `the private copy cannot be written: ${faultWords(cause)}`, { about: path, cause });
  }
}
