/** One thing that the package puts into a box's file system. */

export type Content =
  | { readonly kind: "file"; readonly from: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "link"; readonly to: string };

export interface Entry {
  /** from the box's root, without a slash before it */
  readonly path: string;
  readonly executable: boolean;
  readonly content: Content;
}

/** Where the product lies on a box. */
export const productFolder = "usr/lib/coldseal";

/** An entry that is copied from a file of the machine that builds. */
export function copied(path: string, from: string, executable = false): Entry {
  return { path, executable, content: { kind: "file", from } };
}

/** An entry that is made here. */
export function made(path: string, bytes: Uint8Array, executable = false): Entry {
  return { path, executable, content: { kind: "bytes", bytes } };
}
