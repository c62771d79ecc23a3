/** Telling a container from a seal before the code that reads containers is loaded. */

import { closeSync, readSync } from "node:fs";
import { openNamed } from "../../host/named-file.ts";
import { fileFault } from "../file-fault.ts";

/** Of a file: by its ending, or as every ZIP file begins; a seal never does. Refuses USAGE, MEDIA-READ. */
export function isContainer(path: string): boolean {
  if (/\.asic[es]$/i.test(path)) return true;
  const first = new Uint8Array(4);
  try {
    const { descriptor } = openNamed(path);
    try {
      readSync(descriptor, first, 0, first.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (fault) {
    throw fileFault(fault, "read a file", path);
  }
  return Buffer.compare(first, Uint8Array.of(0x50, 0x4b, 3, 4)) === 0;
}
