/** What stands at a path that somebody named; links are followed, as they meant them. */

import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { fileFault } from "./file-fault.ts";

/** Refuses USAGE where nothing stands there or it cannot be looked at, MEDIA-READ where the device fails. */
export async function statNamed(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
}
