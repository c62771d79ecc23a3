/** How a refusal is told: its code, what was expected, what came, what to do now, and whether anything was signed. */

import { shown } from "../../manifests/records/names.ts";
import { asRefusal, type Refusal, type RefusalKind } from "../../manifests/refusal.ts";
import { plain, type Style } from "./style.ts";
import { wrapped } from "./table.ts";

/** The exit status of a program that ends with a refusal of a kind; 0 is for done. */
export const exitStatus: Readonly<Record<RefusalKind, number>> = {
  refused: 1,
  usage: 2,
  "not-now": 3,
  verification: 4,
};

/** The refusal that a program ends with, whatever was thrown: what is no refusal becomes INTERNAL. */
export function endingRefusal(thrown: unknown): Refusal {
  return asRefusal(thrown, "INTERNAL", thrown instanceof Error ? thrown.message : String(thrown));
}

/**
 * The lines for a terminal. `consequence` says what was signed or sealed by then, without full stop
 * ("nothing was signed, nothing was sealed").
 */
export function refusalLines(refusal: Refusal, consequence: string, style: Style = plain): string[] {
  const head = `${refusal.code}: ${readable(refusal.message)}; ${consequence}`;
  const [first = "", ...rest] = wrapped(head, 80);
  return [
    style.bad(first),
    ...rest.map((line) => style.bad(line)),
    ...labelled("expected", refusal.expected),
    ...labelled("got", refusal.got),
    ...labelled("do now", refusal.next),
  ];
}

/** The same as one stable JSON value, for `--json`. */
export function refusalJson(refusal: Refusal, consequence: string) {
  return {
    refusal: { ...refusal.toRecord(), consequence, kind: refusal.kind, next: refusal.next },
  };
}

function labelled(label: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  const [first = "", ...rest] = wrapped(readable(text), 68);
  return [`  ${label.padEnd(9)} ${first}`, ...rest.map((line) => `${" ".repeat(12)}${line}`)];
}

/** Escapes only what a terminal could take for a command; messages are our own, but may quote what others wrote. */
function readable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => shown(character));
}
