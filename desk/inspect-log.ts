/** Files that a ledger publishes, for `coldseal inspect`: told by what they look like, as none of them has a name of its own in it. */

import type { Json } from "../manifests/encoding/canonical-json.ts";
import { readCheckpoint } from "../manifests/log/checkpoint.ts";
import { mostEntryBytes, readEntry } from "../manifests/log/entry.ts";
import { hashBytes, tileWidth } from "../manifests/log/tiles.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";

export interface PublishedFile {
  readonly kind: string;
  readonly facts: { readonly [name: string]: Json };
}

/** What it is; undefined where it is neither a checkpoint (C2SP tlog-checkpoint) nor a tile of entries or of hashes (C2SP tlog-tiles). */
export function publishedFile(bytes: Uint8Array): PublishedFile | undefined {
  return orNone(() => checkpointIn(bytes)) ?? orNone(() => entriesIn(bytes)) ?? hashesIn(bytes);
}

function checkpointIn(bytes: Uint8Array): PublishedFile {
  const { note, origin, size } = readCheckpoint(bytes);
  const names = note.signatures.map(({ name }) => shown(name));
  return {
    kind: "checkpoint of a ledger's log",
    facts: { log: shown(origin), entries: size, signatures: names.join(", ") },
  };
}

function entriesIn(bytes: Uint8Array): PublishedFile | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let entries = 0;
  for (let at = 0; at < bytes.length; entries++) {
    const length = at + 2 <= bytes.length ? view.getUint16(at) : 0;
    if (entries === tileWidth || length > mostEntryBytes || at + 2 + length > bytes.length) return undefined;
    readEntry(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries === 0 ? undefined : { kind: "entries of a ledger's log (tile/entries)", facts: { entries } };
}

/** Hashes look like nothing: what has their length, is no text, and does not begin as DER does. */
function hashesIn(bytes: Uint8Array): PublishedFile | undefined {
  const hashes = bytes.length / hashBytes;
  if (!Number.isInteger(hashes) || hashes < 1 || hashes > tileWidth) return undefined;
  if (bytes.every((byte) => byte < 0x80)) return undefined;
  if (bytes[0] === 0x30 && (bytes[1] as number) >= 0x80 && (bytes[1] as number) <= 0x84) return undefined;
  return { kind: "hashes of a ledger's log (a tile), by its length", facts: { hashes } };
}

function orNone(read: () => PublishedFile | undefined): PublishedFile | undefined {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof Refusal) return undefined;
    throw fault;
  }
}
