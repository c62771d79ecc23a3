/** Colours that only add: without a terminal, or with NO_COLOR (no-color.org), text stays as it is. */

export interface Style {
  readonly coloured: boolean;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

const plainText = (text: string) => text;

export const plain: Style = {
  coloured: false,
  bold: plainText,
  dim: plainText,
  good: plainText,
  warn: plainText,
  bad: plainText,
};

const coloured: Style = {
  coloured: true,
  bold: (text) => `\u001b[1m${text}\u001b[22m`,
  dim: (text) => `\u001b[2m${text}\u001b[22m`,
  good: (text) => `\u001b[32m${text}\u001b[39m`,
  warn: (text) => `\u001b[33m${text}\u001b[39m`,
  bad: (text) => `\u001b[31m${text}\u001b[39m`,
};

/** Colours for a stream: only on a terminal that is not dumb, and only while NO_COLOR is unset or empty. */
export function styleFor(
  stream: { readonly isTTY?: boolean },
  environment: { readonly [name: string]: string | undefined },
): Style {
  if (stream.isTTY !== true || environment.NO_COLOR || environment.TERM === "dumb") return plain;
  return coloured;
}

/** Columns that a text takes on a terminal: its characters without colour sequences, wide East Asian ones as two. */
export function columns(text: string): number {
  let count = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character starts a colour sequence
  for (const character of text.replace(/\u001b\[[0-9;]*m/g, "")) {
    if (/\p{M}/u.test(character)) continue;
    count += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
      character,
    )
      ? 2
      : 1;
  }
  return count;
}
