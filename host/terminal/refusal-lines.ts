/** How a refusal is told: its code, what was expected, what came, what to do now, and whether anything was signed. */

import { shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal, type RefusalKind } from "../../manifests/refusal.ts";
import { faultWords } from "../fault-words.ts";
import { expectedWords } from "./expected-words.ts";
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
 * The lines for a terminal: after the code always what was expected, what came and what to do now. `consequence` says what was signed or sealed by then, without full stop
 * ("nothing was signed, nothing was sealed").
 */
export function refusalLines(refusal: Refusal, consequence: string, style: Style = plain): string[] {
  const head = `${refusal.code}: ${readable(refusal.message)}; ${consequence}`;
  const [first = "", ...rest] = wrapped(head, 80);
  return [
    style.bad(first),
    ...rest.map((line) => style.bad(line)),
    ...labelled("expected", refusal.expected ?? expectedWords[refusal.code]),
    ...cameLines(refusal),
    ...labelled("do now", refusal.next),
  ];
}

/** The same as one stable JSON value, for `--json`. */
export function refusalJson(refusal: Refusal, consequence: string) {
  return {
    refusal: { ...refusal.toRecord(), consequence, kind: refusal.kind, next: refusal.next },
  };
}

/** What came, as exactly as it is known: said by the refusal, or what it is about, or the fault behind it, or its own words. */
function cameLines({ got, about, cause, message }: Refusal): string[] {
  if (got !== undefined) return labelled("got", got);
  if (about !== undefined && !message.includes(about)) return labelled("about", about);
  if (cause === undefined || cause instanceof Refusal) return labelled("got", message);
  return labelled("got", faultWords(cause));
}

function labelled(label: string, text: string): string[] {
  const [first = "", ...rest] = wrapped(readable(text), 68);
  return [`  ${label.padEnd(9)} ${first}`, ...rest.map((line) => `${" ".repeat(12)}${line}`)];
}

/** Escapes only what a terminal could take for a command; messages are our own, but may quote what others wrote. */
function readable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => shown(character));
}
