/** Lines of a paper: labels, boxes to tick, long words cut where the line ends. What strangers wrote is escaped. Pure. */

import { wrapped } from "../../host/terminal/table.ts";
import { shown } from "../../manifests/records/names.ts";
import { columns } from "./page.ts";

export function labelled(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([label, text]) => {
    const [first = "", ...rest] = folded(shown(text), columns - 14);
    return [`  ${label.padEnd(12)}${first}`, ...rest.map((more) => `${" ".repeat(14)}${more}`)];
  });
}

export function ticked(text: string): string[] {
  const [first = "", ...rest] = folded(shown(text), columns - 4);
  return [`[ ] ${first}`, ...rest.map((more) => `    ${more}`)];
}

export function paragraph(text: string, indent = ""): string[] {
  return folded(shown(text), columns - indent.length).map((line) => indent + line);
}

/** Names and a line to sign on. */
export function inkLines(names: readonly string[]): string[] {
  return names.flatMap((name) => [`${shown(name).slice(0, 40).padEnd(42)} ${"_".repeat(columns - 43)}`, ""]);
}

/** Lines of at most so many columns; a longer word (a key, a digest) is cut. */
function folded(text: string, width: number): string[] {
  return wrapped(text, width).flatMap((row) => {
    const rows: string[] = [];
    for (let rest = row; ; rest = rest.slice(width)) {
      rows.push(rest.slice(0, width));
      if (rest.length <= width) return rows;
    }
  });
}
