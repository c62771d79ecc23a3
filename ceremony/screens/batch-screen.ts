/** The screen that an operator decides by: who, what, how much, the digest as words, who has approved and what comes next. */

import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { clockTime, count, exactSize, minute, size } from "../../host/terminal/amounts.ts";
import type { Style } from "../../host/terminal/style.ts";
import { cut, tableLines, wrapped } from "../../host/terminal/table.ts";
import type { BatchKind } from "../../manifests/records/batch-head.ts";
import { shown } from "../../manifests/records/names.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";

export interface BatchScreen {
  readonly folder: string;
  readonly kind: BatchKind;
  /** null, as the purpose, of plain envelopes */
  readonly batch: string | null;
  readonly purpose: string | null;
  readonly mode: string;
  /** in mode emergency: whose failure, and what for, in the officers' words */
  readonly emergency?: { readonly cause: string; readonly reason: string };
  readonly expires: string;
  readonly submitter: string;
  /** SHA-256 of the submitter's certificate, hex */
  readonly submitterCertificate: string;
  readonly count: number;
  readonly bytes: number;
  readonly documents: readonly ListedDocument[];
  /** the batch digest, hex */
  readonly digest: string;
  /** 16 groups of words, undefined where they stay blank */
  readonly words: readonly (string | undefined)[];
  readonly approvals: BatchRow["approvals"];
  readonly needed: number;
  /** who looks at it */
  readonly person: string;
  readonly now: string;
}

/** How many documents a screen shows; the others are counted. */
export const documentsOnScreen = 6;

export function batchScreenLines(screen: BatchScreen, style: Style): string[] {
  return [
    ...headLines(screen, style),
    "",
    ...documentLines(screen),
    "",
    ...(screen.kind === "plain-envelopes" ? plainLines(screen, style) : slipLines(screen)),
    "",
    ...wrapped(approvalText(screen), 80),
  ];
}

function slipLines({ words }: BatchScreen): string[] {
  return ["Batch digest in words (compare with the submitter's slip):", ...wordLines(words)];
}

/** What nobody signed: without a slip the count that people were told is all that there is to compare. */
function plainLines({ count: documents, digest }: BatchScreen, style: Style): string[] {
  const told =
    "Each document was signed by the submitter, in an envelope of its own. Nobody signed how many there are, in which " +
    "order, or what they are called and how large they are: whether one is missing, or one too many is here that the " +
    "submitter signed for something else, no signature shows. There is no slip.";
  return [
    style.warn("PLAIN ENVELOPES: nobody signed what they are together."),
    ...wrapped(told),
    ...wrapped(`Compare their number with what the submitter told you: ${count(documents, "document")}.`),
    `Batch digest, SHA-256: ${digest.slice(0, 32)}`,
    `                       ${digest.slice(32)}`,
  ];
}

function headLines(screen: BatchScreen, style: Style): string[] {
  const batch = screen.batch ?? screen.folder;
  const name = batch === screen.folder ? shown(batch) : `${shown(batch)} (folder ${shown(screen.folder)})`;
  return [
    style.bold(`Batch ${name}`),
    `  from       ${shown(screen.submitter)} (cert ${screen.submitterCertificate.slice(0, 8)}…)`,
    ...purposeLines(screen.purpose),
    `  documents  ${count(screen.count, "document")}, together ${exactSize(screen.bytes)}`,
    ...modeLines(screen, style),
    `  expires    ${minute(screen.expires)}`,
  ];
}

function modeLines({ emergency, mode }: BatchScreen, style: Style): string[] {
  const line = `  mode       ${mode === "offline" ? mode : style.warn(mode)}`;
  if (!emergency) return [line];
  const told = `EMERGENCY, cause: ${shown(emergency.cause)}. ${shown(emergency.reason)}`;
  return [line, ...wrapped(told, 67).map((words) => `             ${style.warn(words)}`)];
}

function purposeLines(purpose: string | null): string[] {
  if (purpose === null) return ["  purpose    not stated: plain envelopes carry none"];
  return wrapped(`"${shown(purpose)}"`, 67).map((line, at) => `  ${(at === 0 ? "purpose" : "").padEnd(10)} ${line}`);
}

/** The documents of one screen in two columns; never more, and it says how to see the others. */
function documentLines(screen: BatchScreen): string[] {
  const cells = screen.documents.slice(0, documentsOnScreen).map((document, at) => {
    const name = cut(shown(document.name), 20).padEnd(20);
    return `${String(at + 1).padStart(3)}  ${name} ${size(document.size).padStart(10)}`;
  });
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += 2) lines.push(cells.slice(at, at + 2).join("   "));
  const more = screen.count - cells.length;
  if (more > 0) lines.push(`  …  ${count(more, "more document")}: show ${shown(screen.folder)} --documents`);
  return lines;
}

/** Numbered groups, two a line, in the order and columns of the slip. */
export function wordLines(words: readonly (string | undefined)[]): string[] {
  const cells = words.map((group, at) => `${String(at + 1).padStart(4)}  ${(group ?? "______ ______").padEnd(30)}`);
  return cells.filter((_, at) => at % 2 === 0).map((cell, row) => (cell + (cells[row * 2 + 1] ?? "")).trimEnd());
}

function approvalText(screen: BatchScreen): string {
  const who = approvers(screen.approvals, screen.now);
  const given = `Approvals: ${screen.approvals.length} of ${screen.needed}${who === "" ? "" : ` (${who})`}.`;
  if (screen.approvals.some((one) => one.person === screen.person)) return `${given} You have approved it.`;
  const left = screen.needed - screen.approvals.length;
  if (left <= 0) return `${given} No more are needed.`;
  if (left === 1) return `${given} Yours would complete it: sealing starts at once, if the box is unlocked.`;
  return `${given} After yours, ${left - 1} more ${left === 2 ? "person has" : "people have"} to approve.`;
}

/** `op1 12:04Z, op3 12:09Z` */
export function approvers(approvals: BatchRow["approvals"], now: string): string {
  return approvals.map((one) => shown(`${one.person}, ${clockTime(one.signed, now)}`)).join("; ");
}

/** Every document with its full name, size and digest, one after another; names are escaped, never cut. */
export function documentListLines(documents: readonly ListedDocument[], first: number): string[] {
  const rows = documents.map((document, at) => [
    String(first + at),
    size(document.size),
    document.digest.slice(0, 16),
    shown(document.name),
  ]);
  return tableLines(
    [
      { title: "no.", align: "right" },
      { title: "size", align: "right" },
      { title: "digest begins" },
      { title: "name" },
    ],
    rows,
    Number.POSITIVE_INFINITY,
  );
}
