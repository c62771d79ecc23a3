/** Packing a foreign folder of many small files, and of folders of them, into one file of our own: to make, open and remove each by itself takes longer than to verify it. */

import { closeSync, type Dirent } from "node:fs";
import { kindOf, namesIn, openFolderBelow, openFolderIn, openRoot, statIn } from "../../host/no-follow.ts";
import { type Packed, Packer } from "../../host/packed-files.ts";
import { smallFile, turns } from "../../host/read-file.ts";
import { Allowance, bytesOf, fewEntriesIn, stored, vanished } from "./foreign-files.ts";

/** A plain value, which can go to another thread. */
export interface PackOrder {
  /** a folder that is trusted as named */
  readonly root: string;
  /** names from there to the folder; none of them may be a link */
  readonly below: readonly string[];
  /** what is packed; not there yet */
  readonly file: string;
  readonly mostBytes: number;
  readonly mostFolders: number;
  /** files in a folder */
  readonly mostFiles: number;
}

/** Whether the first of the folders in it has `count` files or more: a hint, which whoever packs does not trust. */
export function holdsMany({ below, root }: Pick<PackOrder, "below" | "root">, count: number): boolean {
  let top: number | undefined;
  let folder: number | undefined;
  try {
    top = openRoot(root);
    folder = openFolderBelow(top, [...below, "0000"]);
    return folder !== undefined && namesIn(folder).take(count).toArray().length === count;
  } catch {
    return false; // whoever packs it says why
  } finally {
    for (const open of [folder, top]) if (open !== undefined) closeSync(open);
  }
}

/** Paths begin with the folder's own name. Not durable. Refuses MEDIA-KIND, MEDIA-LIMIT (also a file that is not small), MEDIA-READ, MEDIA-CHANGED, STORE. */
export async function packFolder(order: PackOrder): Promise<Packed> {
  const { below, file, root } = order;
  const path = below.at(-1) ?? "";
  const top = openRoot(root);
  try {
    const folder = openFolderBelow(top, below);
    if (folder === undefined) throw vanished(path);
    const packer = stored(path, () => new Packer(file, smallFile));
    try {
      return await new Packing(order, packer).all(folder, path);
    } finally {
      packer.close();
      closeSync(folder);
    }
  } finally {
    closeSync(top);
  }
}

class Packing {
  readonly #order: PackOrder;
  readonly #packer: Packer;
  readonly #allowance: Allowance;
  readonly #giveWay = turns();

  constructor(order: PackOrder, packer: Packer) {
    this.#order = order;
    this.#packer = packer;
    this.#allowance = new Allowance(order.mostBytes);
  }

  async all(folder: number, path: string): Promise<Packed> {
    const files: Dirent[] = [];
    const folders: string[] = [];
    for (const entry of fewEntriesIn(folder, this.#order.mostFolders)) {
      const stat = statIn(folder, entry.name);
      if (stat && kindOf(stat) === "folder") folders.push(entry.name);
      else files.push(entry);
    }
    await this.#pack(folder, path, files);
    for (const name of folders) {
      const inner = openFolderIn(folder, name);
      if (inner === undefined) throw vanished(`${path}/${name}`);
      try {
        await this.#pack(inner, `${path}/${name}`, fewEntriesIn(inner, this.#order.mostFiles));
      } finally {
        closeSync(inner);
      }
    }
    return this.#packer.packed;
  }

  /** In the order of their names, which is that in which they are read again. */
  async #pack(from: number, path: string, entries: Iterable<Dirent>): Promise<void> {
    const folder = this.#packer.folder(path);
    for (const entry of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      await this.#giveWay();
      const { name } = entry;
      const file = this.#allowance.open(from, name, `${path}/${name}`, smallFile, entry.isFile());
      stored(path, () => folder.add(name, (into) => bytesOf(file, `${path}/${name}`, into)));
    }
    stored(path, () => folder.end());
  }
}
