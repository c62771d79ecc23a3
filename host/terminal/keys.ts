/** Keys from a stream of bytes: characters, Enter, Backspace, Ctrl-U, Ctrl-C and Ctrl-D; escape sequences are dropped. */

export interface PromptInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
}

/** One character as UTF-8 bytes, or what a control key means. `end`: Ctrl-D or the end of input. */
export type Key = Uint8Array | "enter" | "back" | "clear" | "stop" | "end";

/** Reads keys; bytes that come between two questions are kept for the next one. */
export class KeyReader {
  readonly #input: PromptInput;
  readonly #terminal: boolean;
  readonly #pending: number[] = [];
  #opened = false;
  #ended = false;
  #asked = false;
  #wake: (() => void) | undefined;

  constructor(input: PromptInput, terminal: boolean) {
    this.#input = input;
    this.#terminal = terminal;
  }

  /** Starts reading; on a terminal raw, without echo, until `close`. */
  open(): void {
    if (this.#opened) return;
    this.#opened = true;
    if (this.#terminal) this.#input.setRawMode?.(true);
    this.#input.on("data", this.#take);
    this.#input.on("end", this.#end);
    this.#input.resume();
  }

  close(): void {
    if (!this.#opened) return;
    this.#opened = false;
    this.#input.off("data", this.#take);
    this.#input.off("end", this.#end);
    this.#input.pause();
    if (this.#terminal) this.#input.setRawMode?.(false);
    this.#pending.fill(0);
    this.#pending.length = 0;
  }

  async next(): Promise<Key> {
    this.#asked = true;
    try {
      for (;;) {
        const key = this.#read();
        if (key !== undefined) return key;
        if (this.#ended) return "end";
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#asked = false;
    }
  }

  readonly #take = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    // Raw mode makes no signal of Ctrl-C; while work goes on and nothing is asked, it must still end the program.
    if (this.#terminal && !this.#asked && bytes.includes(0x03)) process.kill(process.pid, "SIGINT");
    this.#pending.push(...bytes);
    bytes.fill(0);
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  #read(): Key | undefined {
    for (;;) {
      const byte = this.#pending[0];
      if (byte === undefined) return undefined;
      if (!this.#terminal) return this.#readPlain(byte);
      if (byte === 0x1b) {
        if (!this.#dropEscape()) return undefined;
        continue;
      }
      const key = controls[byte];
      if (key !== undefined) {
        this.#pending.shift();
        return key;
      }
      if (byte < 0x20) this.#pending.shift();
      else return this.#character(byte);
    }
  }

  #readPlain(byte: number): Key | undefined {
    if (byte === 0x0d && this.#pending[1] === 0x0a) this.#pending.shift();
    if (this.#pending[0] !== 0x0a) return this.#character(byte);
    this.#pending.shift();
    return "enter";
  }

  #character(first: number): Uint8Array | undefined {
    const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (this.#pending.length < length && !this.#ended) return undefined;
    return Uint8Array.from(this.#pending.splice(0, length));
  }

  /** Drops a CSI, SS3 or two-byte sequence (arrow keys, bracketed paste); false while it is not all there. */
  #dropEscape(): boolean {
    const second = this.#pending[1];
    if (second === undefined) {
      this.#pending.shift();
      return true;
    }
    if (second !== 0x5b && second !== 0x4f) {
      this.#pending.splice(0, 2);
      return true;
    }
    const final = this.#pending.findIndex((byte, at) => at >= 2 && byte >= 0x40 && byte <= 0x7e);
    if (final === -1) return false;
    this.#pending.splice(0, final + 1);
    return true;
  }
}

const controls: { readonly [byte: number]: Exclude<Key, Uint8Array> } = {
  3: "stop",
  4: "end",
  8: "back",
  10: "enter",
  13: "enter",
  21: "clear",
  127: "back",
};
