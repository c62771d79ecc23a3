/** A printed page as data: lines of at most 78 columns, and digests, which are set as words and, where there is graphics, as a QR code. */

import { fromHex } from "../../manifests/encoding/bytes.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";

export const columns = 78;
export const rule = "-".repeat(columns);

export type PaperItem =
  | string
  /** SHA-256, hex */
  | { readonly digest: string }
  | { readonly heading: string }
  /** they stand on one page, where one has room for them */
  | { readonly together: readonly PaperItem[] };

export interface Paper {
  readonly title: string;
  /** stands on every page: what it is and under which number it is kept */
  readonly mark: string;
  /** seen on every page: that it counts for nothing, or is printed again */
  readonly warning: string | undefined;
  readonly items: readonly PaperItem[];
}

/** For a line printer: ASCII, a form feed at the end. */
export function textOf({ title, mark, warning, items }: Paper): string {
  const lines = [
    title.toUpperCase(),
    mark,
    ...(warning === undefined ? [] : [`*** ${warning} ***`]),
    rule,
    ...items.flatMap(itemLines),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n\f`;
}

function itemLines(item: PaperItem): readonly string[] {
  if (typeof item === "string") return [item];
  if ("together" in item) return item.together.flatMap(itemLines);
  if ("digest" in item) return [...digestLines(item.digest), `    ${item.digest}`];
  return ["", item.heading.toUpperCase(), rule];
}

/** 16 groups, two a line, numbered. */
export function digestLines(digest: string): string[] {
  const cells = wordGroups(fromHex(digest)).map((words, at) => `${String(at + 1).padStart(4)}  ${words}`.padEnd(38));
  return cells.filter((_, at) => at % 2 === 0).map((cell, row) => (cell + (cells[2 * row + 1] ?? "")).trimEnd());
}

/** The same paper printed again: it says so, and is otherwise equal. */
export function reprint(paper: Paper, number: number, time: string): Paper {
  const again = `REPRINT ${number}, ${time}`;
  return { ...paper, warning: paper.warning === undefined ? again : `${paper.warning}; ${again}` };
}
