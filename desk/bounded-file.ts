/** A file that somebody named, read as a whole when it is a file and not too long. */

import { readNamed } from "../host/named-file.ts";
import { fileFault } from "./file-fault.ts";

/** Refuses with USAGE what is no regular file, cannot be read or is longer than `most` bytes, MEDIA-READ where the device fails. */
export async function readBounded(path: string, most: number): Promise<Uint8Array> {
  try {
    return readNamed(path, most);
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
}

/** The same of a file that need not be there: undefined where nothing can be read, as in a folder that is no bundle's. */
export async function readIfThere(path: string, most: number): Promise<Uint8Array | undefined> {
  try {
    return readNamed(path, most);
  } catch (fault) {
    if (fault instanceof Error && "errno" in fault) return undefined;
    throw fault;
  }
}
