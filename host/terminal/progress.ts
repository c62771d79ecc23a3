/** One line that tells how long work goes on: rewritten in place on a terminal, a new line only on a change elsewhere. */

import { cut } from "./table.ts";

export interface ProgressLine {
  /** Shows a text in place of the last one. */
  show(text: string): void;
  /** Ends the line, leaving `text` (or what stood there) behind. */
  end(text?: string): void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Without a terminal a text is written when its words change (its numbers alone do not count). */
export function progressLine(output: Output): ProgressLine {
  return output.isTTY === true ? onTerminal(output) : asLines(output);
}

function onTerminal(output: Output): ProgressLine {
  let last = "";
  const draw = (text: string) => {
    last = cut(text, (output.columns ?? 80) - 1);
    output.write(`\r\u001b[K${last}`);
  };
  return {
    show: (text) => {
      if (text !== last) draw(text);
    },
    end: (text) => {
      if (text !== undefined) draw(text);
      if (last !== "") output.write("\n");
      last = "";
    },
  };
}

function asLines(output: Output): ProgressLine {
  let last = "";
  const show = (text: string) => {
    const words = text.replace(/[0-9][0-9.,]*( [KMGT]iB| bytes?)?/g, "#");
    if (words !== last) output.write(`${text}\n`);
    last = words;
  };
  return {
    show,
    end: (text) => {
      if (text !== undefined) show(text);
      last = "";
    },
  };
}
