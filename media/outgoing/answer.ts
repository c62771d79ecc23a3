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

/**
 * Writes what is for the keeper below `coldseal/audit` (paths `NUMBER/FILE`, `policy/FILE`, `certificates/FILE`), as `writeAnswer` does. A number stands as a
 * whole; policies and certificates are added to those that are there. Refuses with MEDIA-TAKEN where another file stands under a name.
 */
export async function writeAudit(options: WriteOptions & { readonly files: AsyncIterable<FilePart> }): Promise<{
  readonly path: string;
  readonly numbers: readonly string[];
  readonly files: number;
  readonly device: string;
}> {
  const { root, needs, files, ...rest } = options;
  if (needs) await checkSpace(root, needs);
  const { folders, device } = await place({
    ...rest,
    root,
    parent: ["coldseal", "audit"],
    files: forKeeper(files),
    adds: addsTo,
  });
  const count = folders.reduce((sum, one) => sum + one.files, 0);
  const numbers = folders.map(({ folder }) => folder).filter((folder) => !collections.includes(folder));
  return { path: "coldseal/audit", numbers, files: count, device };
}

/** Whether a folder of the outbox holds nothing but a refusal, which a later answer to the same folder name replaces. */
export function isRefusalFolder(names: readonly string[]): boolean {
  const parts = ["refusal.p7m", "refusal.json", "rejection.p7m", "abort.p7m", "batch.p7m"];
  return names.every((name) => parts.includes(name)) && names.some((name) => name.startsWith("refusal."));
}

async function* under(folder: string, files: AsyncIterable<FilePart>): AsyncIterable<FilePart> {
  for await (const part of files) yield "path" in part ? { ...part, path: `${folder}/${part.path}` } : part;
}

/** Of a number the request came later: those who have a stick from before get it beside what they have. */
const withoutRequest = ["authorization.p7m", "documents.jsonl", "manifest.p7m"];
const collections = ["certificates", "policy"];

function addsTo(folder: string, names: readonly string[]): boolean {
  return collections.includes(folder) || [...names].sort().join() === withoutRequest.join();
}

async function* forKeeper(files: AsyncIterable<FilePart>): AsyncIterable<FilePart> {
  for await (const part of files) {
    if ("path" in part && !/^(?:[0-9]+|certificates|policy)\/[^/]+$/.test(part.path)) {
      throw new Refusal("MEDIA-NAME", "not the path of a file for the keeper", { about: part.path });
    }
    yield part;
  }
}
