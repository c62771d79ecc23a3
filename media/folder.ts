/** Where removable media stands on this machine. Mounts come later; until then a plain folder stands in for a stick. */

/** Media that is there to be read or written: `coldseal/…` stands below `root`. `kind` is the manifest's label `media`. */
export interface Medium {
  readonly root: string;
  readonly kind: "folder";
}

/** A plain folder as a stick. It cannot be remounted before it is read again; the label says so. */
export function folderMedium(root: string): Medium {
  return { root, kind: "folder" };
}
