/** Several files as one input: for each `u16 length of path, path, u32 size, bytes`. Read tolerantly, and mutated file by file. */

import { joined } from "./der-tree.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateDer } from "./mutate-der.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";
import { resignCertificate, resignSignedData } from "./resign.ts";

export type Files = Map<string, Uint8Array>;

export function packFiles(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = [...files].flatMap(([path, bytes]) => {
    const name = Buffer.from(path);
    const header = Buffer.alloc(2 + name.length + 4);
    header.writeUInt16BE(name.length);
    name.copy(header, 2);
    header.writeUInt32BE(bytes.length, 2 + name.length);
    return [new Uint8Array(header), bytes];
  });
  return joined(parts);
}

/** What can be read of it; the rest is left out. */
export function unpackFiles(input: Uint8Array): Files {
  const files: Files = new Map();
  const view = Buffer.from(input.buffer, input.byteOffset, input.length);
  for (let at = 0; at + 6 <= view.length; ) {
    const length = view.readUInt16BE(at);
    if (at + 6 + length > view.length) break;
    const path = view.subarray(at + 2, at + 2 + length).toString();
    const size = view.readUInt32BE(at + 2 + length);
    const start = at + 6 + length;
    files.set(path, input.subarray(start, start + size));
    at = start + size;
  }
  return files;
}

/** One to three changes of single files or of which files there are. `relink` makes them fit together again where a target can. */
export function mutateFiles(random: Random, input: Uint8Array, other: Uint8Array): Files {
  const files = unpackFiles(input);
  const theirs = unpackFiles(other);
  for (let round = random.pick([1, 1, 1, 2, 3]); round > 0; round--) changeFiles(random, files, theirs);
  return files;
}

/** A file changed by its form: DER (signed anew half of the time), JSON, or bytes. */
export function mutateFile(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  if (bytes[0] === 0x30) {
    const changed = mutateDer(random, bytes, other);
    if (random.chance(0.4)) return changed;
    return random.chance(0.8) ? resignSignedData(random, changed) : resignCertificate(changed);
  }
  return bytes[0] === 0x7b ? mutateJson(random, bytes, other) : mutateBytes(random, bytes, other);
}

function changeFiles(random: Random, files: Files, theirs: Files): void {
  const paths = [...files.keys()];
  if (paths.length === 0) return;
  const path = random.pick(paths);
  const bytes = files.get(path) as Uint8Array;
  const second = random.pick(paths);
  switch (random.below(12)) {
    case 0:
      files.delete(path);
      return;
    case 1:
      files.set(path, files.get(second) as Uint8Array);
      files.set(second, bytes);
      return;
    case 2:
      files.set(`${path}${random.pick(["x", ".p7m", "/x", " ", "\u0000"])}`, bytes);
      return;
    case 3:
      files.set(
        random.pick(["extra", "seals/0000/extra", "policy/0002.p7m", "policy/9999.p7m", "certificates/audit-3.der"]),
        bytes,
      );
      return;
    case 4: {
      const theirPath = theirs.has(path) ? path : ([...theirs.keys()][0] ?? path);
      files.set(path, theirs.get(theirPath) ?? bytes);
      return;
    }
    default:
      files.set(path, mutateFile(random, bytes, files.get(second) as Uint8Array));
  }
}
