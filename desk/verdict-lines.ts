/** A verdict's words as lines of a terminal. */

import { count } from "../host/terminal/amounts.ts";
import type { Style } from "../host/terminal/style.ts";
import { wrapped } from "../host/terminal/table.ts";
import type { VerdictWords } from "./verdict-words.ts";

export function verdictLines({ findings, headline, more, rows, tone }: VerdictWords, style: Style): string[] {
  return [
    style[tone](headline),
    ...findings.flatMap(findingLines),
    ...(more > 0 ? [`  … and ${count(more, "more finding")}: see --json`] : []),
    ...rows.flatMap(([label, text]) => rowLines(label, text)),
  ];
}

function findingLines(text: string): string[] {
  const [first = "", ...rest] = wrapped(text, 74);
  return [`  ${first}`, ...rest.map((line) => `      ${line}`)];
}

function rowLines(label: string, text: string): string[] {
  const [first = "", ...rest] = wrapped(text, 66);
  return [`  ${label.padEnd(12)}${first}`, ...rest.map((line) => " ".repeat(14) + line)];
}
