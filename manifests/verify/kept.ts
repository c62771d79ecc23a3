/** What a file lists, held in memory while that file is short: who needs it again need not read the file again. */

export class Kept<T> {
  readonly #most: number;
  #bytes = 0;
  #all: T[] | undefined = [];

  /** `most`: bytes of a file that is short */
  constructor(most: number) {
    this.#most = most;
  }

  /** The next piece of the file, before what it lists is added. */
  measure({ length }: Uint8Array): void {
    this.#bytes += length;
    if (this.#bytes > this.#most) this.#all = undefined;
  }

  add(one: T): void {
    this.#all?.push(one);
  }

  /** Undefined of a file that is not short. */
  get all(): readonly T[] | undefined {
    return this.#all;
  }
}
