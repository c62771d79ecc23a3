/**
 * Reads a tar archive (POSIX.1-2017 pax, "ustar Interchange Format") as its bytes come: plain files and folders with plain relative names, and nothing else. No link, no
 * device, no extension header: what could mean two things is refused, so that what is unpacked is what was listed.
 */

import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** What came, in order. The bytes of a file stand between its `file` and its `end`. */
export type TarPart =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly size: number }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

export interface TarLimits {
  /** files and folders */
  readonly entries: number;
  /** of one file */
  readonly fileBytes: number;
}

const block = 512;
const deepest = 16;
const longestName = 255;

export class TarReader {
  readonly #limits: TarLimits;
  /** of a header that is not there in whole */
  readonly #header = new Uint8Array(block);
  #filled = 0;
  #entries = 0;
  /** bytes of the file's that are to come, then of what fills its last block */
  #left = 0;
  #padding = 0;
  #inFile = false;
  #zeroBlocks = 0;

  constructor(limits: TarLimits) {
    this.#limits = limits;
  }

  /** What these bytes bring. Their memory is the caller's: `bytes` are views of them. Refuses UPLOAD. */
  *push(bytes: Uint8Array): Generator<TarPart> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const piece = bytes.subarray(at, at + this.#left);
        this.#left -= piece.length;
        at += piece.length;
        yield { kind: "bytes", bytes: piece };
      } else if (this.#padding > 0) {
        const piece = bytes.subarray(at, at + this.#padding);
        if (piece.some((one) => one !== 0)) throw malformed("bytes behind a file's end");
        this.#padding -= piece.length;
        at += piece.length;
      } else {
        const piece = bytes.subarray(at, at + block - this.#filled);
        this.#header.set(piece, this.#filled);
        this.#filled += piece.length;
        at += piece.length;
        if (this.#filled === block) yield* this.#entry();
      }
      if (this.#inFile && this.#left === 0) {
        this.#inFile = false;
        yield { kind: "end" };
      }
    }
  }

  /** Nothing more comes. Refuses UPLOAD an archive without its end, or cut short. */
  end(): void {
    const whole = this.#left === 0 && this.#padding === 0 && this.#filled === 0;
    if (!whole || this.#zeroBlocks < 2) throw malformed("it is cut short", "two empty blocks at its end");
  }

  *#entry(): Generator<TarPart> {
    this.#filled = 0;
    const header = this.#header;
    if (header.every((one) => one === 0)) {
      this.#zeroBlocks += 1;
      return;
    }
    if (this.#zeroBlocks > 0) throw malformed("something behind its end");
    if (++this.#entries > this.#limits.entries) {
      throw tooMany(this.#limits.entries);
    }
    checkSum(header);
    const name = pathOf(header);
    const size = octal(header.subarray(124, 136));
    const type = header[156];
    // "5" is a folder, "0" (and NUL, of before POSIX) a file.
    if (type === 0x35) {
      if (size !== 0) throw malformed("a folder with bytes");
      if (name !== "") yield { kind: "folder", path: name };
      return;
    }
    if (type !== 0x30 && type !== 0) {
      throw malformed(`an entry of type ${shown(String.fromCharCode(type ?? 0))} (${shown(name)})`);
    }
    if (name === "") throw malformed("a file without a name");
    if (size > this.#limits.fileBytes) {
      throw tooMuch(`${shown(name)} is too large`, `at most ${this.#limits.fileBytes} bytes`, `${size}`);
    }
    this.#left = size;
    this.#padding = (block - (size % block)) % block;
    this.#inFile = true;
    yield { kind: "file", path: name, size };
  }
}

/** Files and folders, those too that only a name implies. */
export function tooMany(most: number): Refusal {
  return tooMuch("an archive has too many files", `at most ${most} files and folders`, "more");
}

/** The sum of the header's bytes, its own eight taken as blanks. */
function checkSum(header: Uint8Array): void {
  const magic = String.fromCharCode(...header.subarray(257, 262));
  if (magic !== "ustar") throw malformed("a header without `ustar`");
  let sum = 0;
  for (const [at, one] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : one;
  if (octal(header.subarray(148, 156)) !== sum) throw malformed("a header with another sum");
}

/** Empty for the archive's own root. GNU's older headers have no prefix, but times in its place. */
function pathOf(header: Uint8Array): string {
  const name = textOf(header.subarray(0, 100));
  const prefix = header[262] === 0 ? textOf(header.subarray(345, 500)) : "";
  const whole = prefix === "" ? name : `${prefix}/${name}`;
  const path = whole.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  if (path === "" || path === ".") {
    if (whole === "./" || whole === ".") return "";
    throw malformed("an empty name");
  }
  const names = path.split("/");
  const plain = (one: string) =>
    one !== "" &&
    one !== "." &&
    one !== ".." &&
    !/[\p{C}\p{Zl}\p{Zp}\\]/u.test(one) &&
    Buffer.byteLength(one) <= longestName;
  if (names.length > deepest || !names.every(plain)) throw malformed(`the name ${shown(path.slice(0, 300))}`);
  return path;
}

function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return fromUtf8(end < 0 ? field : field.subarray(0, end), "UPLOAD");
}

/** Digits, with blanks before and blanks or zeros behind. Other ways to write a number (GNU's binary one) are refused. */
function octal(field: Uint8Array): number {
  const digits = /^ *([0-7]{1,12})[ \0]*$/.exec(String.fromCharCode(...field))?.[1];
  if (digits === undefined) throw malformed("a number that is not octal");
  return Number.parseInt(digits, 8);
}

function malformed(
  got: string,
  expected = "a tar archive of plain files and folders, as `tar --format=ustar` writes it",
) {
  return new Refusal("UPLOAD", "what was sent is no archive that is taken", { expected, got });
}

/** What HTTP has a status of its own for. */
export class TooMuch extends Refusal {}

export function tooMuch(message: string, expected: string, got: string): Refusal {
  return new TooMuch("UPLOAD", message, { expected, got });
}
