/**
 * SoftHSM's `token.object`, which holds the PINs: each login writes it in place, so that a death or a full disk at that moment leaves it empty and the token gone. No token but
 * SoftHSM does that, and nothing of ours can help it; people put back the copy that docs/tokens.md asks them to keep.
 */

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What people are told to have done. */
export const tokenPutBack = "token-file";

export class TokenFile {
  readonly #path: string;
  readonly #copy: Uint8Array;

  /** Keeps a copy of the file of the one token in that folder. */
  constructor(tokens: string) {
    const [serial, ...more] = readdirSync(tokens);
    if (serial === undefined || more.length > 0) throw new Error(`expected one token in ${tokens}`);
    this.#path = join(tokens, serial, "token.object");
    this.#copy = readFileSync(this.#path);
  }

  /** A login was stopped between emptying and writing it. */
  get lost(): boolean {
    return statSync(this.#path).size === 0;
  }

  putBack(): void {
    writeFileSync(this.#path, this.#copy);
  }
}
