/** The list of everything in the package with its SHA-256, canonical JSON: what a signature over the package is over. */

import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { productFolder } from "./entry.ts";

/** Where it lies on a box; the list names all but itself and its signature. */
export const listPath = `${productFolder}/files.json`;
export const signaturePath = `${productFolder}/files.p7m`;

export interface ListedFile {
  /** from the box's root, without a slash before it */
  readonly path: string;
  /** hex */
  readonly sha256: string;
  readonly size: number;
  readonly executable: boolean;
}

export interface ListedLink {
  readonly path: string;
  readonly to: string;
}

export interface PackageList {
  readonly version: string;
  readonly architecture: string;
  readonly commit: string;
  readonly changed: boolean;
  /** digest of the software, hex */
  readonly software: string;
  /** dpkg's control files, by name */
  readonly control: readonly Pick<ListedFile, "path" | "sha256">[];
  readonly files: readonly ListedFile[];
  readonly links: readonly ListedLink[];
}

/** The list's bytes; rows by path. */
export function packageList(list: PackageList): Uint8Array {
  const rows = (all: readonly { readonly path: string }[]) =>
    [...all].sort((a, b) => (a.path < b.path ? -1 : 1)).map((row) => ({ ...row }) as Json);
  return canonicalBytes({
    architecture: list.architecture,
    changed: list.changed,
    commit: list.commit,
    control: rows(list.control),
    files: rows(list.files),
    links: rows(list.links),
    package: list.version,
    software: list.software,
    type: "package-files",
    version: 1,
  });
}
