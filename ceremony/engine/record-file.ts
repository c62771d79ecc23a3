/** A ceremony's record on the disk: one canonical JSON entry a line, appended and synced one by one. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import { checkEntries, type Entry, readEntry } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { LineFile, linesIn } from "./line-file.ts";

export type NewEntry = Omit<Entry, "index" | "previous">;

/** The record of one sitting. */
export class RecordFile {
  readonly entries: readonly Entry[];
  readonly #entries: Entry[];
  readonly #file: LineFile;
  #head: string;

  private constructor(file: LineFile, entries: Entry[], head: string) {
    this.#file = file;
    this.#entries = entries;
    this.entries = entries;
    this.#head = head;
  }

  /**
   * Opens `folder/entries.jsonl` of the ceremony whose file has this digest (hex), or makes it, durably; nobody else opens it
   * until it is closed. Refuses STORE, BUSY, and CEREMONY-STATE when the record is another ceremony's or was changed.
   */
  static async open(folder: string, fileDigest: string): Promise<RecordFile> {
    const path = join(folder, "entries.jsonl");
    const file = await LineFile.open(path, "the ceremony's record");
    try {
      const entries = [...linesIn(file.bytes)].map((line) => entryOf(line, path));
      const head = await checkEntries(nodeHost, fileDigest, entries).catch((cause) => {
        throw new Refusal("CEREMONY-STATE", "the record is another ceremony's, or was changed", {
          expected: "the very file that it was begun with; a corrected file has another archive number",
          got: `a file with SHA-256 ${fileDigest.slice(0, 16)}…`,
          about: path,
          cause,
        });
      });
      return new RecordFile(file, entries, head);
    } catch (fault) {
      file.close();
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
    this.#file.append(utf8(text));
    this.#entries.push(whole);
    this.#head = createHash("sha256").update(text, "utf8").digest("hex");
    return whole;
  }

  close(): void {
    this.#file.close();
  }
}

function entryOf(line: Uint8Array, path: string): Entry {
  try {
    return readEntry(line);
  } catch (cause) {
    throw new Refusal("CEREMONY-STATE", "the record was changed", { about: path, cause });
  }
}
