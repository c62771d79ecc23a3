/** What the doctor looks at: files of the machine, read as they are. */

import { lstatSync, readdirSync, readFileSync } from "node:fs";

export interface Owned {
  readonly kind: "folder" | "link" | "file";
  /** permission bits */
  readonly mode: number;
  readonly uid: number;
}

/** Each gives undefined for what is not there or cannot be read. */
export interface System {
  text(path: string): string | undefined;
  bytes(path: string): Uint8Array | undefined;
  names(path: string): readonly string[] | undefined;
  owned(path: string): Owned | undefined;
}

function tried<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

export const thisSystem: System = {
  text: (path) => tried(() => readFileSync(path, "utf8")),
  bytes: (path) => tried(() => readFileSync(path)),
  names: (path) => tried(() => readdirSync(path).sort()),
  owned: (path) =>
    tried(() => {
      const found = lstatSync(path);
      const kind = found.isDirectory() ? "folder" : found.isSymbolicLink() ? "link" : "file";
      return { kind, mode: found.mode & 0o7777, uid: found.uid };
    }),
};
