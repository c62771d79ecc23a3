/** Names in a batch of plain envelopes (docs/formats.md, "Plain envelopes"): which files are envelopes, in which order, and how their documents are called. */

import { compare, utf8 } from "../encoding/bytes.ts";
import { Refusal } from "../refusal.ts";
import { checkDocumentName, collisionKey, shown } from "./names.ts";

const ending = /\.(?:p7m|pem|eml)$/i;

/** Whether a file of a batch folder is an envelope, by its name's ending. */
export function isEnvelopeFile(file: string): boolean {
  return ending.test(file);
}

/** The order of envelopes: by the UTF-8 bytes of their file names. */
export function inFileOrder(a: string, b: string): number {
  return compare(utf8(a), utf8(b));
}

/**
 * The document's name of each file: the file's without its last ending where that is a legal name that neither another file
 * would get nor another file has; else the whole. Refuses with DOCUMENT-NAME, and with DOCUMENT-TWICE two files that FAT takes for one.
 */
export function documentNames(files: readonly string[]): readonly string[] {
  const whole = new Set<string>();
  const short = new Map<string, number>();
  for (const file of files) {
    checkDocumentName(file);
    const key = collisionKey(file);
    if (whole.has(key)) throw twice(file);
    whole.add(key);
    const rest = collisionKey(withoutEnding(file));
    short.set(rest, (short.get(rest) ?? 0) + 1);
  }
  return files.map((file) => {
    const name = withoutEnding(file);
    const key = collisionKey(name);
    return isLegal(name) && short.get(key) === 1 && !whole.has(key) ? name : file;
  });
}

/** Takes the files of a batch one by one, with the names of their documents as somebody else gave them. */
export class PlainNames {
  readonly #seen = new Set<string>();
  #last: string | undefined;

  /** Refuses with SHAPE a file out of order or a name that the file does not give, DOCUMENT-NAME, DOCUMENT-TWICE. */
  add(file: string, name: string): void {
    checkDocumentName(file);
    checkDocumentName(name);
    if (!isEnvelopeFile(file) || (name !== file && name !== withoutEnding(file))) {
      throw new Refusal("SHAPE", `${shown(name)} is not the name that ${shown(file)} gives`, { about: file });
    }
    if (this.#last !== undefined && inFileOrder(this.#last, file) >= 0) {
      throw new Refusal("SHAPE", "the envelopes are not in the order of their names", { about: file });
    }
    this.#last = file;
    const key = collisionKey(name);
    if (this.#seen.has(key)) throw twice(name);
    this.#seen.add(key);
  }
}

function withoutEnding(file: string): string {
  return file.replace(ending, "");
}

function isLegal(name: string): boolean {
  try {
    checkDocumentName(name);
    return true;
  } catch {
    return false;
  }
}

function twice(name: string): Refusal {
  return new Refusal("DOCUMENT-TWICE", `two envelopes are named ${shown(name)} (FAT takes them for one)`, {
    about: name,
  });
}
