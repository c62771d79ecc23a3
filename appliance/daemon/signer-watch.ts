/** What the daemon knows of the signer: asked every second, and at once where a person needs the answer now. */

import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { BatchState } from "./batch-state.ts";
import type { Book } from "./book.ts";
import { sealingBlocked } from "./box-view.ts";
import type { Parts } from "./parts.ts";
import { joinSigner } from "./rebuild.ts";

export class SignerWatch {
  readonly #parts: Parts;
  #asking: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Asks once, whoever asks meanwhile; on return the book holds the answer, or that there is none. Never rejects. */
  ask(): Promise<void> {
    this.#asking ??= ask(this.#parts).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** On return the signer answered, and what it knows is joined with the spool. Refuses with UNREACHABLE. */
  async need(): Promise<void> {
    const { book } = this.#parts;
    if (!book.box || !book.ready) await this.ask();
    if (book.box && book.ready) return;
    throw new Refusal("UNREACHABLE", "the signer does not answer", { expected: "a running signer" });
  }
}

async function ask(parts: Parts): Promise<void> {
  const { book, signer, log, stop } = parts;
  const before = book.box;
  try {
    const box = await signer.status();
    book.setBox(box);
    if (!before) log.info({ locked: box.locked, policy: box.policy.number }, "the signer answers");
    if (!book.ready) await joinSigner(parts);
    // What kept batches waiting may be over: another answer of the signer than before.
    const same = before && sealingBlocked(before)?.code === sealingBlocked(box)?.code;
    if (!same) tryAgain(book, (state) => !state.trouble?.refusal.code.startsWith("MEDIA-"));
  } catch (fault) {
    if (stop.aborted) return;
    const { code, message } = asRefusal(fault, "INTERNAL", "the signer's answer cannot be used");
    if (before || code !== "UNREACHABLE") log.warn({ code }, message);
    book.setBox(undefined);
  }
}

/** Makes another attempt due at once for the live batches that `which` names. */
export function tryAgain(book: Book, which: (state: BatchState) => boolean): void {
  for (const state of book.live) {
    if (state.trouble && state.trouble.again !== null && which(state)) book.apply(state.id, { type: "again" });
  }
}
