/** Reading the kernel's tree (`/sys`), a few bytes a file. What goes away while it is read is no fault: a stick was pulled out. */

import { closeSync, constants, fstatSync, opendirSync, openSync, readSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";

/** Most entries of one folder: USB has 127 devices a bus. */
const mostEntries = 4096;

/** The first `limit` bytes of a file; undefined when it is not there, not a regular file, or cannot be read (a device that is going). */
export function sysBytes(path: string, limit: number): Uint8Array | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(descriptor).isFile()) return undefined;
    const bytes = new Uint8Array(limit);
    let length = 0;
    while (length < limit) {
      const got = readSync(descriptor, bytes, length, limit - length, null);
      if (got === 0) break;
      length += got;
    }
    return bytes.subarray(0, length);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A file of one line without its end; undefined as `sysBytes`, and when it is longer than `limit` or not printable ASCII. */
export function sysText(path: string, limit = 256): string | undefined {
  const bytes = sysBytes(path, limit + 1);
  if (!bytes || bytes.length > limit) return undefined;
  const text = Buffer.from(bytes).toString("latin1").replace(/\n$/, "");
  return /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}

/** A decimal number; undefined when it is none, or not safe to count with. */
export function sysNumber(path: string): number | undefined {
  const text = sysText(path, 24);
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The names in a folder, sorted; undefined when it is not there. Refuses with MEDIA-LIMIT too many. */
export function sysNames(path: string): readonly string[] | undefined {
  const names: string[] = [];
  try {
    const folder = opendirSync(path);
    try {
      for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
        if (names.length === mostEntries) {
          throw new Refusal("MEDIA-LIMIT", `more than ${mostEntries} entries in ${path}`, { about: path });
        }
        names.push(entry.name);
      }
    } finally {
      folder.closeSync();
    }
  } catch (fault) {
    if (fault instanceof Refusal) throw fault;
    return undefined;
  }
  return names.sort();
}
