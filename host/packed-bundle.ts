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

/** Where one lies of which a folder is still being packed. */
export interface PackingPlace {
  readonly folder: string;
  /** path of that folder in the bundle */
  readonly part: string;
  /** undefined: there is no such folder */
  readonly packed: Promise<Packed | undefined>;
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
    documentDigest: (name, hash, size) => plain.documentDigest(name, hash, size),
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

/** Where the bundle lies once that is packed. Rejects as the packing does. */
export async function packedPlace({ folder, packed }: PackingPlace): Promise<BundlePlace> {
  const known = await packed;
  return known === undefined ? { folder } : { folder, packed: known };
}

/** As `openBundle`: what lies in the part that is being packed is waited for, and fails as the packing does. */
export function openWhilePacking(place: PackingPlace): OpenBundle {
  const { folder, part } = place;
  const plain = openBundle({ folder });
  const whole = packedPlace(place).then(openBundle);
  whole.catch(() => undefined); // who reads it is told
  const at = async (path: string) => (path === "" || path === part || path.startsWith(`${part}/`) ? whole : plain);
  return {
    documentDigest: (name, hash, size) => plain.documentDigest(name, hash, size),
    read: async (path, limit) => (await at(path)).read(path, limit),
    async *stream(path) {
      yield* (await at(path)).stream(path);
    },
    list: async (path) => (await at(path)).list(path),
    close() {
      plain.close();
      whole.then(
        (opened) => opened.close(),
        () => undefined,
      );
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
