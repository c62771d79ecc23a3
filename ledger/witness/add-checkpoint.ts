/**
 * The body of `add-checkpoint` (c2sp.org/tlog-witness): `old SIZE`, the hashes of a consistency proof in base64, an empty line, and the checkpoint. Written by the
 * ledger, read by a witness, and by who moves one forward.
 */

import { base64, concat, fromBase64, fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";
import { mostNoteBytes } from "../../manifests/log/note.ts";
import { Refusal } from "../../manifests/refusal.ts";

export interface AddCheckpoint {
  /** the size that the witness is thought to have cosigned last */
  readonly old: number;
  readonly path: readonly Uint8Array[];
  /** the signed note */
  readonly checkpoint: Uint8Array;
}

const mostHashes = 63;
/** of a line of base64 of 32 bytes */
const hashLine = 44;

export const mostBodyBytes = mostNoteBytes + 32 + mostHashes * (hashLine + 1);

export function addCheckpointBytes({ checkpoint, old, path }: AddCheckpoint): Uint8Array {
  const lines = path.map((hash) => `${base64(hash)}\n`).join("");
  return concat([utf8(`old ${old}\n${lines}\n`), checkpoint]);
}

/** Reads a body; the checkpoint in it is not read. Refuses LOG-FORM what is none. */
export function readAddCheckpoint(bytes: Uint8Array): AddCheckpoint {
  if (bytes.length > mostBodyBytes) throw malformed(`more than ${mostBodyBytes} bytes`);
  const end = endOfLines(bytes);
  const [first = "", ...hashes] = fromUtf8(bytes.subarray(0, end), "LOG-FORM").split("\n");
  const [, digits] = /^old (0|[1-9][0-9]{0,15})$/.exec(first) ?? [];
  const old = digits === undefined ? Number.NaN : Number(digits);
  if (!Number.isSafeInteger(old)) throw malformed("another first line", "`old`, one space, and a size");
  if (hashes.length > mostHashes) throw malformed(`${hashes.length} hashes`, `at most ${mostHashes} hashes`);
  return { old, path: hashes.map(readHash), checkpoint: bytes.slice(end + 2) };
}

/** Where the first empty line begins, whose line feed follows that of the line before it. */
function endOfLines(bytes: Uint8Array): number {
  for (let at = 0; at + 1 < bytes.length; at++) if (bytes[at] === 0x0a && bytes[at + 1] === 0x0a) return at;
  throw malformed("no empty line");
}

function readHash(line: string): Uint8Array {
  try {
    const hash = fromBase64(line.slice(0, hashLine + 1));
    if (hash.length === 32) return hash;
  } catch {
    // no base64: falls through to the refusal
  }
  throw malformed("another line", "32 bytes of base64 in each line after the first");
}

function malformed(got: string, expected = "old size, hashes, an empty line, a checkpoint"): Refusal {
  return new Refusal("LOG-FORM", "this is no request to cosign a checkpoint", { expected, got });
}
