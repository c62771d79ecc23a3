/**
 * A ceremony's record on the disk: one canonical JSON entry a line, appended and synced one by one. A line that a power cut
 * left unfinished is cut off when the record is opened again: it was never acknowledged.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { makeFolder, syncFolder } from "../../host/durable.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import { checkEntries, type Entry, readEntry } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";

const largest = 16 << 20;

export type NewEntry = Omit<Entry, "index" | "previous">;

/** The record of one sitting. */
export class RecordFile {
  readonly entries: readonly Entry[];
  readonly #entries: Entry[];
  readonly #descriptor: number;
  #head: string;

  private constructor(descriptor: number, entries: Entry[], head: string) {
    this.#descriptor = descriptor;
    this.#entries = entries;
    this.entries = entries;
    this.#head = head;
  }

  /**
   * Opens `folder/entries.jsonl` of the ceremony whose file has this digest (hex), or makes it, durably; nobody else opens it
   * until it is closed. Refuses STORE, BUSY, and CEREMONY-STATE when the record is another ceremony's or was changed.
   */
  static async open(folder: string, fileDigest: string): Promise<RecordFile> {
    await makeFolder(folder);
    const path = join(folder, "entries.jsonl");
    const descriptor = openRecord(path);
    try {
      lock(descriptor, path);
      await syncFolder(dirname(path));
      const entries = readEntries(descriptor, path);
      const head = await checkEntries(nodeHost, fileDigest, entries).catch((cause) => {
        throw new Refusal("CEREMONY-STATE", "the record is another ceremony's, or was changed", { about: path, cause });
      });
      return new RecordFile(descriptor, entries, head);
    } catch (fault) {
      closeSync(descriptor);
      throw fault;
    }
  }

  /** SHA-256 of the last entry, hex; the ceremony file's digest while there is none. */
  get head(): string {
    return this.#head;
  }

  /** Appends an entry; it is on the disk on return. Refuses STORE. */
  append(entry: NewEntry): Entry {
    const whole: Entry = { ...entry, index: this.#entries.length + 1, previous: this.#head };
    const text = canonical(whole);
    const line = utf8(`${text}\n`);
    try {
      for (let at = 0; at < line.length; ) at += writeSync(this.#descriptor, line, at);
      fsyncSync(this.#descriptor);
    } catch (cause) {
      throw new Refusal("STORE", "the ceremony's record could not be made durable", { cause });
    }
    this.#entries.push(whole);
    this.#head = createHash("sha256").update(text, "utf8").digest("hex");
    return whole;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function openRecord(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new Refusal("STORE", "the ceremony's record cannot be opened", { about: path, cause });
  }
}

/** util-linux's flock locks the open file that it inherits; the lock ends with the descriptor. */
function lock(descriptor: number, path: string): void {
  const { error, status } = spawnSync("flock", ["--exclusive", "--nonblock", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (error) throw new Refusal("STORE", "flock does not start", { expected: "util-linux", cause: error });
  if (status !== 0) throw new Refusal("BUSY", "somebody else holds this ceremony right now", { about: path });
}

function readEntries(descriptor: number, path: string): Entry[] {
  const { size } = fstatSync(descriptor);
  if (size > largest) throw new Refusal("CEREMONY-STATE", "the record is too large", { about: path });
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const read = readSync(descriptor, bytes, at, size - at, at);
    if (read === 0) throw new Refusal("CEREMONY-STATE", "the record shrinks while it is read", { about: path });
    at += read;
  }
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < size) {
    ftruncateSync(descriptor, whole);
    fsyncSync(descriptor);
  }
  const lines: Entry[] = [];
  for (let at = 0; at < whole; ) {
    const end = bytes.indexOf(0x0a, at);
    lines.push(entryOf(bytes.subarray(at, end), path));
    at = end + 1;
  }
  return lines;
}

function entryOf(line: Uint8Array, path: string): Entry {
  try {
    return readEntry(line);
  } catch (cause) {
    throw new Refusal("CEREMONY-STATE", "the record was changed", { about: path, cause });
  }
}
