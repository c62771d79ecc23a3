/** What the box writes to sticks: the answer to one batch, and manifests for the keeper. */

import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { isBatchFolder } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { place } from "./placement.ts";
import { checkSpace, type Needs } from "./space.ts";

interface WriteOptions {
  /** the stick's folder; `coldseal/` stands below it */
  readonly root: string;
  /** refused with MEDIA-FULL before anything is written, when it does not fit */
  readonly needs?: Needs;
  readonly signal?: AbortSignal;
}

export interface WrittenAnswer {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** `major:minor/inode` of what was written to and read back from */
  readonly device: string;
}

/**
 * Writes `coldseal/outbox/FOLDER` with these files (paths below it), and reads it back: see `place` for what holds on
 * return and what is refused. `replace` decides by the names in a folder that is there whether it gives way.
 */
export async function writeAnswer(
  options: WriteOptions & {
    /** the batch folder's name, or `refused-…` */
    readonly folder: string;
    readonly files: AsyncIterable<FilePart>;
    readonly replace?: (names: readonly string[]) => boolean;
  },
): Promise<WrittenAnswer> {
  const { root, folder, needs, files, ...rest } = options;
  if (!isBatchFolder(folder)) throw new Refusal("MEDIA-NAME", "not the name of an answer's folder", { about: folder });
  if (needs) await checkSpace(root, needs);
  const { folders, device } = await place({
    ...rest,
    root,
    parent: ["coldseal", "outbox"],
    files: under(folder, files),
  });
  const [only] = folders;
  return { path: `coldseal/outbox/${folder}`, files: only?.files ?? 0, bytes: only?.bytes ?? 0, device };
}

/** Writes `coldseal/audit/NUMBER/…` for each number in the stream (paths `NUMBER/…`), as `writeAnswer` does. */
export async function writeAudit(options: WriteOptions & { readonly files: AsyncIterable<FilePart> }): Promise<{
  readonly path: string;
  readonly numbers: readonly string[];
  readonly files: number;
  readonly device: string;
}> {
  const { root, needs, files, ...rest } = options;
  if (needs) await checkSpace(root, needs);
  const { folders, device } = await place({ ...rest, root, parent: ["coldseal", "audit"], files: numbered(files) });
  const count = folders.reduce((sum, one) => sum + one.files, 0);
  return { path: "coldseal/audit", numbers: folders.map(({ folder }) => folder), files: count, device };
}

/** Whether a folder of the outbox holds nothing but a refusal, which a later answer to the same folder name replaces. */
export function isRefusalFolder(names: readonly string[]): boolean {
  const parts = ["refusal.p7m", "refusal.json", "rejection.p7m", "abort.p7m", "batch.p7m"];
  return names.every((name) => parts.includes(name)) && names.some((name) => name.startsWith("refusal."));
}

async function* under(folder: string, files: AsyncIterable<FilePart>): AsyncIterable<FilePart> {
  for await (const part of files) yield "path" in part ? { ...part, path: `${folder}/${part.path}` } : part;
}

async function* numbered(files: AsyncIterable<FilePart>): AsyncIterable<FilePart> {
  for await (const part of files) {
    if ("path" in part && !/^[0-9]+\//.test(part.path)) {
      throw new Refusal("MEDIA-NAME", "not the path of a numbered manifest", { about: part.path });
    }
    yield part;
  }
}
