/** Writing evidence of time where it is wanted: durable, read back, never over another file. */

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** False: it was there already, the same. Refuses MEDIA-TAKEN where another file is there, MEDIA-WRITE what cannot be written or reads otherwise. */
export async function writeNew(path: string, bytes: Uint8Array): Promise<boolean> {
  const there = fileAt(path);
  if (there) {
    if (equal(there, bytes)) return false;
    throw new Refusal("MEDIA-TAKEN", "another file is there already: it stays", { about: path });
  }
  try {
    await makeFolder(dirname(path), 0o755);
    await writeDurable(path, bytes, { mode: 0o644 });
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal("MEDIA-WRITE", `the file cannot be written (${codeOf(cause)})`, { about: path, cause });
  }
  const written = fileAt(path);
  if (written && equal(written, bytes)) return true;
  throw new Refusal("MEDIA-WRITE", "what was written reads otherwise", { about: path });
}

function fileAt(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Refusal("MEDIA-READ", `the file cannot be read (${codeOf(cause)})`, { about: path, cause });
  }
}

function codeOf(fault: unknown): string {
  const { code, message } = fault as NodeJS.ErrnoException;
  return code ?? message;
}
