/** One file below a folder, copied without following a link, with the digest of what was copied. */

import { closeSync, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { makeFolder } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { openFileIn, openFolderBelow, openRoot } from "../../host/no-follow.ts";
import { digestFile, readPieces } from "../../host/read-file.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BackedUpFile } from "./backup-record.ts";

/** Copies `path` below `from` to the same path below `to` (0600); not synced. Undefined where it is not there. Refuses STORE. */
export async function copiedFile(from: string, path: string, to: string): Promise<BackedUpFile | undefined> {
  return reading(from, path, async (file) => {
    const target = join(to, path);
    if (!existsSync(dirname(target))) await makeFolder(dirname(target));
    const copy = await open(target, "wx", 0o600);
    const hasher = nodeHost.hasher("sha256");
    let size = 0;
    try {
      for await (const piece of readPieces(file)) {
        hasher.update(piece);
        await copy.writeFile(piece);
        size += piece.length;
      }
    } finally {
      await copy.close();
    }
    return { digest: hex(await hasher.digest()), path, size };
  });
}

/** As `copiedFile`, of one that a backup's record names. Refuses LEDGER-BACKUP where it is missing, or is not what it was. */
export async function copyExactly(from: string, wanted: BackedUpFile, to: string): Promise<void> {
  const got = await copiedFile(from, wanted.path, to);
  if (got?.digest === wanted.digest && got.size === wanted.size) return;
  throw new Refusal("LEDGER-BACKUP", `${wanted.path} of the backup is missing, or is not what it was`, {
    expected: `${wanted.size} bytes, SHA-256 ${wanted.digest}`,
    got: got ? `${got.size} bytes, SHA-256 ${got.digest}` : "none",
    about: join(from, wanted.path),
  });
}

/** The same of one that stays where it is. */
export async function digestedFile(folder: string, path: string): Promise<BackedUpFile | undefined> {
  return reading(folder, path, async (file) => {
    const { digest, size } = await digestFile(file, "sha256");
    return { digest: hex(digest), path, size };
  });
}

async function reading<T>(
  folder: string,
  path: string,
  use: (file: NonNullable<ReturnType<typeof openFileIn>>) => Promise<T>,
): Promise<T | undefined> {
  const names = path.split("/");
  let root: number | undefined;
  let below: number | undefined;
  try {
    root = openRoot(folder);
    below = openFolderBelow(root, names.slice(0, -1));
    const file = below === undefined ? undefined : openFileIn(below, names.at(-1) as string, "any links");
    return file && (await use(file));
  } catch (cause) {
    const why = cause instanceof Refusal ? cause.message : faultWords(cause);
    throw new Refusal("STORE", `${path} cannot be copied: ${why}`, { about: join(folder, path), cause });
  } finally {
    for (const descriptor of [below, root]) if (descriptor !== undefined) closeSync(descriptor);
  }
}
