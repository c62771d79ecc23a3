/** A bundle of which whole folders are packed into one file, as the private copy of one is, for `manifests/verify`. */

import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type BundleFolder, bundleFolder } from "./bundle-folder.ts";
import { type Packed, PackedFiles } from "./packed-files.ts";

/** Where a bundle lies, as any thread can open it. */
export interface BundlePlace {
  readonly folder: string;
  /** folder of the documents */
  readonly documents?: string;
  /** what else is in the bundle; the folder has nothing of these paths */
  readonly packed?: Packed;
}

/** A bundle that is read, wherever its files stand. */
export type OpenBundle = Omit<BundleFolder, "kind">;

/** As `bundleFolder`, which it is where nothing is packed. */
export function openBundle({ folder, packed, ...options }: BundlePlace): OpenBundle {
  const plain = bundleFolder(folder, options);
  if (!packed) return plain;
  const files = new PackedFiles(packed);
  const paths = [...packed.folders.keys()];
  const isPacked = (path: string) => packed.folders.has(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  return {
    documentDigest: (name, hash) => plain.documentDigest(name, hash),
    async read(path, limit) {
      return isPacked(path) ? bounded(files, path, limit) : plain.read(path, limit);
    },
    async *stream(path) {
      if (isPacked(path)) yield bounded(files, path, Number.POSITIVE_INFINITY);
      else yield* plain.stream(path);
    },
    async list(path) {
      const below = path === "" ? "" : `${path}/`;
      const folders = paths
        .filter((one) => one.startsWith(below) && one.length > below.length)
        .map((one) => one.slice(below.length).split("/")[0] as string);
      const beside = reading(() => files.names(path)) ?? (await plain.list(path));
      return [...new Set([...folders, ...beside])];
    },
    close() {
      files.close();
      plain.close();
    },
  };
}

function bounded(files: PackedFiles, path: string, limit: number): Uint8Array {
  return reading(() => {
    const length = files.length(path);
    if (length === undefined) throw new Refusal("BUNDLE-FORM", `${shown(path)} is missing`, { about: path });
    if (length > limit) {
      throw new Refusal("BUNDLE-FORM", `${shown(path)} is longer than ${limit} bytes, or grows`, { about: path });
    }
    return files.read(path) as Uint8Array;
  });
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof Refusal) throw fault;
    throw new Refusal("MEDIA-READ", "a file of the bundle cannot be read", { cause: fault });
  }
}
