/** What a placement is asked for, and what stands on the stick under the name of each folder that it places. */

import { closeSync } from "node:fs";
import { namesIn, openFolderIn, statIn } from "../../host/no-follow.ts";
import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { GivenFiles } from "./written-files.ts";

export interface PlacementJob {
  readonly root: string;
  /** folders below `root`, made where missing, that hold the placed ones */
  readonly parent: readonly string[];
  /** paths are `FOLDER/…`; each FOLDER is placed as a whole */
  readonly files: AsyncIterable<FilePart>;
  /** whether a folder that is there, with these names in it, gives way; else it must hold the same files */
  readonly replace?: (names: readonly string[]) => boolean;
  /** whether files are added to a folder that is there, one by one: what is in it already stays, and must be the same where it is given too */
  readonly adds?: (folder: string, names: readonly string[]) => boolean;
  readonly signal?: AbortSignal;
}

export interface PlacedFolder {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
}

export interface Placement {
  readonly folders: readonly PlacedFolder[];
  /** the device that all of it was written to and read back from, `major:minor/inode` */
  readonly device: string;
}

export interface Target {
  readonly folder: string;
  /** what stands there now: nothing, something that gives way, something to be compared with, or that grows */
  readonly there: "nothing" | "old" | "kept" | "grows";
  readonly given: GivenFiles;
  /** of one that grows: the names that were not there */
  readonly added: Set<string>;
  /** what stood there may have been renamed away; the new one stands there */
  gaveWay: boolean;
  moved: boolean;
}

/** Looks, without following a link. Refuses with MEDIA-TAKEN what is no folder, MEDIA-READ. */
export function lookAt(parent: number, folder: string, job: Pick<PlacementJob, "adds" | "replace">): Target["there"] {
  const stat = statIn(parent, folder);
  if (!stat) return "nothing";
  const opened = stat.isDirectory() ? openFolderIn(parent, folder) : undefined;
  if (opened === undefined) throw taken(folder);
  try {
    const names = [...namesIn(opened)];
    if (job.replace?.(names)) return "old";
    return job.adds?.(folder, names) ? "grows" : "kept";
  } finally {
    closeSync(opened);
  }
}

export function taken(folder: string, other?: string): Refusal {
  return new Refusal("MEDIA-TAKEN", `another answer stands under ${folder}`, {
    about: folder,
    ...(other === undefined ? {} : { got: other }),
  });
}
