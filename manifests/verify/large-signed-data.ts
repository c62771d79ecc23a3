/** A SignedData with large content, taken piece by piece: content passes through, head and tail are kept. */

import {
  headLimit,
  readSignedDataHead,
  readSignedDataTail,
  type SignedData,
  type SignedDataHead,
  usualLimits,
} from "../cms/read.ts";
import { concat } from "../encoding/bytes.ts";
import { readHeader } from "../encoding/der-read.ts";
import { Refusal } from "../refusal.ts";

/** Push reader. Refuses as `readSignedData` does. */
export class LargeSignedData {
  #start: Uint8Array = new Uint8Array(0);
  #head: SignedDataHead | undefined;
  #at = 0;
  readonly #tail: Uint8Array[] = [];
  #tailLength = 0;

  /** Adds a piece of the file and returns what of the content it brought (perhaps nothing). */
  push(piece: Uint8Array): Uint8Array {
    if (this.#head) return this.#pass(piece, this.#head);
    this.#start = concat([this.#start, piece]);
    return this.#start.length < headLimit ? new Uint8Array(0) : this.#open();
  }

  /** Call once, after the last piece; `rest` is content that had not come out yet (a file shorter than the head's limit). */
  end(): { readonly data: SignedData; readonly rest: Uint8Array } {
    const rest = this.#head ? new Uint8Array(0) : this.#open();
    const head = this.#head as SignedDataHead;
    if (this.#at !== head.totalLength) throw new Refusal("DER", "the file is not as long as it says");
    if (head.detached) throw new Refusal("CMS-FORM", "the content is missing");
    return { data: readSignedDataTail(head, concat(this.#tail)), rest };
  }

  /** The file's length is what its outermost element says; `end` checks that it was true. */
  #open(): Uint8Array {
    const start = this.#start;
    this.#start = new Uint8Array(0);
    const head = readSignedDataHead(start.subarray(0, headLimit), readHeader(start, 0).end);
    this.#head = head;
    return this.#pass(start, head);
  }

  #pass(piece: Uint8Array, head: SignedDataHead): Uint8Array {
    const from = this.#at;
    this.#at += piece.length;
    if (this.#at > head.contentEnd) {
      const tail = piece.slice(Math.max(0, head.contentEnd - from));
      this.#tailLength += tail.length;
      if (this.#tailLength > usualLimits.tail) throw new Refusal("CMS-FORM", "too many bytes after the content");
      this.#tail.push(tail);
    }
    return piece.subarray(clamp(head.contentStart - from, piece), clamp(head.contentEnd - from, piece));
  }
}

function clamp(at: number, piece: Uint8Array): number {
  return Math.min(Math.max(at, 0), piece.length);
}
