/**
 * Asks people. On a terminal everything typed from `open` (or the first question) to `close` is read raw, so that nothing is
 * echoed but what a question wants echoed, pasted text included. Without a terminal, lines are read in order.
 */

import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Key, KeyReader, type PromptInput } from "./keys.ts";
import { wrapped } from "./table.ts";

export interface Prompter {
  /** true when a person sits there */
  readonly interactive: boolean;
  /** Takes the terminal now: what is typed from here on is not echoed by it. The first question does it too. */
  open(): void;
  /** Asks for a line of text; refuses with STOPPED on Ctrl-C, Ctrl-D or the end of input. */
  line(question: string): Promise<string>;
  /** Asks for a secret without echo. The caller wipes the bytes after use. Refuses with STOPPED. */
  secret(question: string): Promise<Uint8Array>;
  /** Gives the terminal back as it was. */
  close(): void;
}

export interface PromptOutput {
  write(text: string): unknown;
}

const longest = 1024;

/** A prompter over an input (the process's stdin) and an output for the questions (stderr, so that stdout stays clean). */
export function openPrompter(input: PromptInput, output: PromptOutput): Prompter {
  const interactive = input.isTTY === true && input.setRawMode !== undefined;
  const keys = new KeyReader(input, interactive);
  const ask = async (question: string, echo: boolean): Promise<Uint8Array> => {
    // Raw before the question shows, or a quick answer would still be echoed.
    keys.open();
    output.write(interactive ? inLines(question) : question);
    const typed = new Typed(interactive && echo ? output : undefined);
    try {
      await typed.fill(keys);
      output.write("\n");
      return typed.bytes();
    } catch (fault) {
      output.write("\n");
      throw fault;
    } finally {
      typed.wipe();
    }
  };
  return {
    interactive,
    open: () => keys.open(),
    line: async (question) => fromUtf8(await ask(question, true)),
    secret: (question) => ask(question, false),
    close: () => keys.close(),
  };
}

/** A question that is wider than a terminal, broken at spaces; the answer stands behind its last line. */
function inLines(question: string): string {
  return `${wrapped(question.trimEnd()).join("\n")}${question.slice(question.trimEnd().length)}`;
}

/** What was typed so far, in a buffer that can be wiped. */
class Typed {
  readonly #buffer = new Uint8Array(longest);
  readonly #echo: PromptOutput | undefined;
  #length = 0;

  constructor(echo: PromptOutput | undefined) {
    this.#echo = echo;
  }

  async fill(keys: KeyReader): Promise<void> {
    for (;;) {
      const key = await keys.next();
      if (key === "enter") return;
      if (key === "stop" || key === "end") {
        if (key === "end" && this.#length > 0) return;
        throw new Refusal("STOPPED", "stopped at the question", {
          expected: "an answer",
          got: key === "stop" ? "Ctrl-C" : "the end of input",
        });
      }
      this.#press(key);
    }
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  wipe(): void {
    this.#buffer.fill(0);
  }

  #press(key: Exclude<Key, "enter" | "stop" | "end">): void {
    if (key === "back") this.#back();
    else if (key === "clear") while (this.#length > 0) this.#back();
    else if (this.#length + key.length <= longest) {
      this.#buffer.set(key, this.#length);
      this.#length += key.length;
      this.#echo?.write(Buffer.from(key).toString("utf8"));
      key.fill(0);
    } else throw new Refusal("USAGE", `expected at most ${longest} bytes in an answer`);
  }

  /** Takes back one character of one to four UTF-8 bytes. */
  #back(): void {
    if (this.#length === 0) return;
    do {
      this.#length -= 1;
    } while (this.#length > 0 && ((this.#buffer[this.#length] as number) & 0xc0) === 0x80);
    this.#echo?.write("\b \b");
  }
}
