/** A file that somebody named, read as a whole when it is a file and not too long. */

import { open } from "node:fs/promises";
import { exactSize } from "../host/terminal/amounts.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { fileFault } from "./file-fault.ts";

/** Refuses with USAGE what is no file, cannot be read or is longer than `most` bytes, MEDIA-READ where the device fails. */
export async function readBounded(path: string, most: number): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const stats = await file.stat();
      if (stats.isFile() && stats.size <= most) return await file.readFile();
      throw new Refusal("USAGE", `${shown(path)} is not a file of Coldseal`, {
        expected: `a file of at most ${exactSize(most)}`,
        got: stats.isFile() ? exactSize(stats.size) : "a folder or device",
        about: path,
      });
    } finally {
      await file.close();
    }
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
}
