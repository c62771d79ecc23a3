/**
 * What is kept of each manifest of a chain while the next is read: numbers, times and digests in packed columns, and where it stood. A hundred
 * thousand of them take some tens of MiB, whatever is in them.
 */

import { compare, fromHex, hex } from "../../encoding/bytes.ts";
import { type Utc, utcOf } from "../../encoding/shape.ts";
import type { Manifest } from "../../records/manifest.ts";
import type { Mode } from "../../records/request.ts";

export interface SeenManifest {
  readonly number: number;
  /** SHA-256 of the content, hex; so are the others */
  readonly digest: string;
  readonly previous: string;
  readonly identity: string;
  readonly nonce: string;
  readonly created: Utc;
  readonly lastSet: Utc;
  /** of the journal */
  readonly sequence: number;
  readonly policy: number;
  readonly mode: Mode;
  readonly sealed: boolean;
  /** the folder that it was read from */
  readonly place: string;
}

const numbers = ["number", "created", "lastSet", "sequence", "policy"] as const;
const digests = ["digest", "previous", "identity", "nonce"] as const;

/** Of one chain. Rows are named by their position, from 0. */
export class SeenManifests {
  readonly #numbers = new Column(Float64Array, numbers.length);
  readonly #digests = new Column(Uint8Array, digests.length * 32);
  readonly #modes: Mode[] = [];
  readonly #sealed: boolean[] = [];
  readonly #places: string[] = [];

  get size(): number {
    return this.#places.length;
  }

  add(
    { authorization, clock, created, journal, mode, number, outcome, policy, previous, request }: Manifest,
    digest: string,
    place: string,
  ): void {
    const seconds = (time: Utc) => Date.parse(time) / 1000;
    this.#numbers.push([number, seconds(created), seconds(clock.lastSet), journal.sequence, policy.number]);
    this.#digests.push([digest, previous, request.identity, authorization.nonce].flatMap((one) => [...fromHex(one)]));
    this.#modes.push(mode);
    this.#sealed.push(outcome === "sealed");
    this.#places.push(place);
  }

  at(row: number): SeenManifest {
    const [number = 0, created = 0, lastSet = 0, sequence = 0, policy = 0] = this.#numbers.row(row);
    const digestAt = (name: (typeof digests)[number]) => hex(this.bytes(row, name));
    return {
      number,
      digest: digestAt("digest"),
      previous: digestAt("previous"),
      identity: digestAt("identity"),
      nonce: digestAt("nonce"),
      created: utcOf(created * 1000),
      lastSet: utcOf(lastSet * 1000),
      sequence,
      policy,
      mode: this.#modes[row] as Mode,
      sealed: this.#sealed[row] === true,
      place: this.#places[row] as string,
    };
  }

  number(row: number): number {
    return this.#numbers.row(row)[0] ?? 0;
  }

  mode(row: number): Mode {
    return this.#modes[row] as Mode;
  }

  isSealed(row: number): boolean {
    return this.#sealed[row] === true;
  }

  bytes(row: number, name: (typeof digests)[number]): Uint8Array {
    const start = digests.indexOf(name) * 32;
    return this.#digests.row(row).subarray(start, start + 32) as Uint8Array;
  }

  /** All rows by number, then digest, then the order in which they came. */
  byNumber(): Uint32Array {
    return this.#sorted(
      (a, b) => this.number(a) - this.number(b) || compare(this.bytes(a, "digest"), this.bytes(b, "digest")),
    );
  }

  /** All rows by one of their digests, then by number. */
  by(name: "identity" | "nonce"): Uint32Array {
    return this.#sorted((a, b) => compare(this.bytes(a, name), this.bytes(b, name)) || this.number(a) - this.number(b));
  }

  #sorted(order: (a: number, b: number) => number): Uint32Array {
    return Uint32Array.from({ length: this.size }, (_, row) => row).sort((a, b) => order(a, b) || a - b);
  }
}

/** Rows of one width in an array that doubles. */
class Column<A extends Float64Array | Uint8Array> {
  readonly #width: number;
  #cells: A;
  #rows = 0;

  constructor(kind: new (length: number) => A, width: number) {
    this.#width = width;
    this.#cells = new kind(width * 64);
  }

  push(values: readonly number[]): void {
    const start = this.#rows * this.#width;
    if (start === this.#cells.length) {
      const grown = new (this.#cells.constructor as new (length: number) => A)(this.#cells.length * 2);
      grown.set(this.#cells);
      this.#cells = grown;
    }
    this.#cells.set(values, start);
    this.#rows += 1;
  }

  row(at: number): A {
    return this.#cells.subarray(at * this.#width, (at + 1) * this.#width) as A;
  }
}
