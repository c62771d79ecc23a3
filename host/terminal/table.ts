/** Tables and wrapped text of plain columns, aligned, within a width where the content allows it. */

import { columns } from "./style.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** may be cut to make the table fit; cut text ends in … */
  readonly shrinks?: boolean;
}

const gap = "  ";
const smallest = 8;

/** A heading line and one line a row. Columns that may shrink share what is missing to `width` (80 unless said). */
export function tableLines(table: readonly Column[], rows: readonly (readonly string[])[], width = 80): string[] {
  const widths = table.map((column, at) =>
    Math.max(columns(column.title), ...rows.map((row) => columns(row[at] ?? ""))),
  );
  shrink(table, widths, width);
  const all = [table.map((column) => column.title), ...rows];
  return all.map((row) =>
    row
      .map((cell, at) => padded(cell, widths[at] as number, table[at]?.align))
      .join(gap)
      .trimEnd(),
  );
}

function shrink(table: readonly Column[], widths: number[], width: number): void {
  let over = widths.reduce((sum, one) => sum + one, 0) + gap.length * (widths.length - 1) - width;
  while (over > 0) {
    const candidates = table.map((column, at) => (column.shrinks ? (widths[at] as number) : 0));
    const widest = candidates.indexOf(Math.max(...candidates));
    if ((candidates[widest] ?? 0) <= smallest) return;
    widths[widest] = (widths[widest] as number) - 1;
    over -= 1;
  }
}

function padded(cell: string, width: number, align: "left" | "right" = "left"): string {
  const text = columns(cell) > width ? cut(cell, width) : cell;
  const space = " ".repeat(Math.max(0, width - columns(text)));
  return align === "right" ? space + text : text + space;
}

/** The start of a text within `width` columns, `…` at its end where something is missing. */
export function cut(text: string, width: number): string {
  if (columns(text) <= width) return text;
  let out = "";
  for (const character of text) {
    if (columns(out + character) > width - 1) break;
    out += character;
  }
  return `${out}…`;
}

/** Breaks a text at spaces into lines of at most `width` columns; a longer word stands alone. */
export function wrapped(text: string, width = 80, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && columns(`${indent}${line} ${word}`) > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
