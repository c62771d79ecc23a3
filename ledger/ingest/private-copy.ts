/**
 * One private copy of what a stick has of a manifest: what is verified is what is stored, whatever happens to the stick meanwhile. No link is followed, only
 * regular files are opened, and what it may hold is bounded in count and bytes before anything of it is read. Seals, which are small and many, stand packed in
 * one file: to make, open and remove each by itself took longer than to verify it.
 */

import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { kindOf, openFolderBelow, openFolderIn, openRoot, statIn } from "../../host/no-follow.ts";
import type { PackingPlace } from "../../host/packed-bundle.ts";
import type { Packed } from "../../host/packed-files.ts";
import { smallFile, turns } from "../../host/read-file.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { Allowance, bytesOf, fewEntriesIn, grew, piecesOf, stored, vanished } from "./foreign-files.ts";
import { type PackOrder, packFolder } from "./pack-folder.ts";

const KiB = 1 << 10;
const MiB = 1 << 20;

/** Files by name, with the most bytes that each may have. */
const rootFiles: Readonly<Record<string, number>> = {
  "manifest.p7m": MiB,
  "authorization.p7m": MiB,
  "batch.p7m": 256 * MiB,
  "documents.jsonl": 512 * MiB,
  "local-time.tst": MiB,
};

/** Folders by name: most bytes of a file, most entries, whether they lie in folders of a thousand. */
interface FolderRule {
  readonly bytes: number;
  readonly most: number;
  readonly deep?: true;
}

const rootFolders: Readonly<Record<string, FolderRule>> = {
  policy: { bytes: MiB, most: 9999 },
  certificates: { bytes: 64 * KiB, most: 32 },
  revocation: { bytes: 64 * MiB, most: 256 },
  evidence: { bytes: 64 * MiB, most: 1000 },
  envelopes: { bytes: 256 * MiB, most: 1001, deep: true },
};

/** Its files are small, a thousand in a folder of it at most; they are packed. */
const packedFolder = "seals";
const mostPacked = 1000;

/** Documents themselves are nobody's business here; the verifier takes a bundle without them. */
const leftOut = "documents";
/** Beside a number of the keeper's stick, as beside a bundle at the desk, somebody may have put something. */
const mostBytes = 8 * 1024 * MiB;
const mostFolders = 10_000;

/** Who packs a folder: this thread (`packFolder`), or another. */
export type Pack = (order: PackOrder) => Promise<Packed>;

/**
 * Copies the record in the folder `place` below `root` into the folder `target`, which is not there yet. Not durable: whoever is interrupted begins anew. Of `names` only those
 * are taken where they are given. Its seals are packed meanwhile, by `pack`. Refuses with MEDIA-KIND links and what is no file, BUNDLE-FORM what has no place in a bundle, MEDIA-LIMIT, MEDIA-READ, MEDIA-CHANGED, STORE.
 * The packing refuses the same. On return and when that has settled, nothing of the record is open.
 */
export async function copyRecord(
  root: string,
  place: string,
  target: string,
  { names, pack = packFolder }: { readonly names?: readonly string[] | undefined; readonly pack?: Pack } = {},
): Promise<PackingPlace> {
  const top = openRoot(root);
  let packing: Promise<Packed> | undefined;
  try {
    const below = place === "" ? [] : place.split("/");
    const from = openFolderBelow(top, below);
    if (from === undefined) throw vanished(place);
    try {
      stored(target, () => mkdirSync(target, { mode: 0o700 }));
      if ((names ?? [packedFolder]).includes(packedFolder) && statIn(from, packedFolder)) {
        const order = { root, below: [...below, packedFolder], file: join(target, "packed") };
        packing = pack({ ...order, mostBytes, mostFiles: mostPacked, mostFolders });
        packing.catch(() => undefined); // it is awaited, here or by who has what is returned
      }
      const folder = join(target, "files");
      await new Copier(folder).copy(from, names);
      return { folder, part: packedFolder, packed: packing ?? Promise.resolve(undefined) };
    } finally {
      closeSync(from);
    }
  } catch (fault) {
    await packing?.catch(() => undefined);
    await rm(target, { recursive: true, force: true }).catch(() => undefined);
    throw fault;
  } finally {
    closeSync(top);
  }
}

/** Of all that is not packed. */
class Copier {
  readonly #target: string;
  readonly #giveWay = turns();
  readonly #memory = new Uint8Array(smallFile + 1);
  readonly #allowance = new Allowance(mostBytes);

  constructor(target: string) {
    this.#target = target;
  }

  async copy(from: number, wanted: readonly string[] | undefined): Promise<void> {
    stored(this.#target, () => mkdirSync(this.#target, { mode: 0o700 }));
    for (const { name } of fewEntriesIn(from, 1000)) {
      if (name === leftOut || name === packedFolder || (wanted && !wanted.includes(name))) continue;
      const limit = own(rootFiles, name);
      const folder = own(rootFolders, name);
      if (limit !== undefined) await this.#file(from, name, name, limit);
      else if (folder) await this.#folder(from, name, name, folder);
      else throw new Refusal("BUNDLE-FORM", `${shown(name)} has no place in a bundle`, { about: name });
    }
  }

  async #folder(from: number, name: string, path: string, rule: FolderRule): Promise<void> {
    const folder = openFolderIn(from, name);
    if (folder === undefined) throw vanished(path);
    try {
      const files: string[] = [];
      const folders: string[] = [];
      for (const { name: inner } of fewEntriesIn(folder, rule.deep ? mostFolders : rule.most)) {
        const stat = rule.deep && statIn(folder, inner);
        (stat && kindOf(stat) === "folder" ? folders : files).push(inner);
      }
      const at = join(this.#target, path);
      stored(at, () => mkdirSync(at, { mode: 0o700 }));
      for (const inner of files) await this.#file(folder, inner, `${path}/${inner}`, rule.bytes);
      const { deep: _, ...below } = rule;
      for (const inner of folders) await this.#folder(folder, inner, `${path}/${inner}`, below);
    } finally {
      closeSync(folder);
    }
  }

  async #file(from: number, name: string, path: string, limit: number): Promise<void> {
    await this.#giveWay();
    const file = this.#allowance.open(from, name, path, limit);
    const { size } = file.stat;
    const to = stored(path, () => openSync(join(this.#target, path), "wx", 0o600));
    try {
      if (size <= BigInt(smallFile)) this.#write(to, bytesOf(file, path, this.#memory), path);
      else {
        let left = Number(size);
        for await (const piece of piecesOf(file, path)) {
          left -= piece.length;
          if (left < 0) throw grew(path);
          this.#write(to, piece, path);
        }
      }
    } finally {
      closeSync(to);
    }
  }

  #write(to: number, bytes: Uint8Array, path: string): void {
    stored(path, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(to, bytes, at);
    });
  }
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
