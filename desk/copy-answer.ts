/** Copies one answer folder from a stick, following no link, so that it is whole under its final name or absent. */

import { closeSync, createReadStream } from "node:fs";
import { rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder, moveDurable, writeDurable } from "../host/durable.ts";
import { kindOf, namesIn, openFileIn, openFolderIn, statIn } from "../host/no-follow.ts";
import { exactSize } from "../host/terminal/amounts.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { evidenceFolder } from "../manifests/verify/time-evidence.ts";
import { fileFault } from "./file-fault.ts";
import { sameFolder } from "./same-folder.ts";

export interface Copied {
  readonly files: number;
  readonly bytes: number;
  /** false when the same answer was there already */
  readonly fresh: boolean;
}

const deepest = 4;
/** Files of so many bytes are copied without a look at the room there is. */
const small = 1 << 20;

/**
 * Copies the open folder `source` to `target`; durable on return. Where `target` is there with the same files, evidence of time
 * that was added since left aside, nothing is written; with others it refuses with MEDIA-TAKEN and leaves both as they are. Refuses with MEDIA-KIND, MEDIA-LIMIT,
 * and as `fileFault` does.
 */
export async function copyAnswer(source: number, target: string): Promise<Copied> {
  const partial = `${target}.partial`;
  const { copied, same } = await copyBeside(source, partial, target).catch(async (fault) => {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw fileFault(fault, "write a file", target);
  });
  if (same === "different") {
    throw new Refusal("MEDIA-TAKEN", `${target} already holds another answer`, {
      expected: "the same files, or nothing",
      got: "other files",
      about: target,
    });
  }
  return { ...copied, fresh: same === "absent" };
}

async function copyBeside(source: number, partial: string, target: string) {
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial, 0o755);
  const copied = await copyFolder(source, partial, 0);
  const same = await sameFolder(partial, target, evidenceFolder);
  if (same === "absent") await moveDurable(partial, target);
  else await rm(partial, { recursive: true, force: true });
  return { copied, same };
}

async function copyFolder(from: number, to: string, depth: number): Promise<{ files: number; bytes: number }> {
  if (depth > deepest) throw new Refusal("MEDIA-LIMIT", "an answer has folders too deep", { expected: `${deepest}` });
  const total = { files: 0, bytes: 0 };
  for (const name of namesIn(from)) {
    const stat = statIn(from, name);
    if (stat && kindOf(stat) === "folder") {
      const inner = await copyInner(from, name, join(to, name), depth);
      total.files += inner.files;
      total.bytes += inner.bytes;
    } else {
      total.files += 1;
      total.bytes += await copyFile(from, name, join(to, name));
    }
  }
  return total;
}

async function copyInner(from: number, name: string, to: string, depth: number) {
  const inner = openFolderIn(from, name);
  if (inner === undefined) throw changed(name);
  try {
    await makeFolder(to, 0o755);
    return await copyFolder(inner, to, depth + 1);
  } finally {
    closeSync(inner);
  }
}

async function copyFile(from: number, name: string, to: string): Promise<number> {
  const file = openFileIn(from, name);
  if (!file) throw changed(name);
  const bytes = Number(file.stat.size);
  await checkRoom(to, bytes).catch((fault) => {
    closeSync(file.descriptor);
    throw fault;
  });
  const stream = createReadStream("", { fd: file.descriptor, highWaterMark: 1 << 20 });
  await writeDurable(to, fromStick(stream, name), { mode: 0o644 });
  return bytes;
}

/** Refuses with MEDIA-FULL, before anything is written, a file for which there is no room: a sparse one may claim any size. */
async function checkRoom(to: string, bytes: number): Promise<void> {
  if (bytes <= small) return;
  const { bavail, bsize } = await statfs(dirname(to));
  const free = bavail * bsize;
  if (bytes <= free) return;
  throw new Refusal("MEDIA-FULL", `${shown(basename(to))} does not fit where it would be copied to`, {
    expected: `${exactSize(bytes)} free`,
    got: exactSize(free),
    about: to,
  });
}

async function* fromStick(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (fault) {
    throw fileFault(fault, "read the stick", name);
  }
}

function changed(name: string): Refusal {
  return new Refusal("MEDIA-CHANGED", `${shown(name)} vanished while the stick was read`, { about: name });
}
