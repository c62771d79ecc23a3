/** The ledger's books against what signer and HSM counted. Pure. */

import { rangeText } from "../../manifests/records/number-ranges.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { deadlineOf, knownWords } from "../boxes/chain-gaps.ts";
import { type Book, type BookedManifest, type Line, lineOf } from "./books.ts";
import type { HsmCount, HsmLog } from "./hsm-log.ts";
import type { SignerCount, SignerJournal } from "./signer-journal.ts";

/** A sealing key of a box: three counts of what it signed. */
export interface KeyCount {
  readonly key: string;
  readonly modes: readonly string[];
  readonly manifests: number;
  readonly seals: number;
  /** null: no journal is here that has all of its manifests */
  readonly signer: { readonly least: number; readonly most: number } | null;
  /** null: nothing is here of the HSM's */
  readonly hsm: {
    readonly signatures: number;
    readonly explained: number;
    readonly from: string;
    readonly to: string;
  } | null;
}

/** What is missing and in dispute leaves seals that nobody here can count. */
export function ownLines({ box: { genesis: box, gapHours }, disputes, missing }: Book): readonly Line[] {
  return [
    ...disputes.map(({ finding, number }) =>
      lineOf("dispute", `number ${number} is in dispute: ${finding}`, { box, number }),
    ),
    ...missing.map(({ alarm, from, known, since, to }) =>
      lineOf(
        "missing",
        `number ${rangeText({ from, to })} is missing since ${since} (${knownWords[known]})${alarm ? `, for more than ${gapHours} hours` : ""}: what was sealed in it nobody here can count`,
        { box, number: from, explained: known === "explained" || !alarm },
      ),
    ),
  ];
}

/** Whether the journal is this box's: it has a row that one of its manifests names. */
function isJournalOf({ manifests }: Book, { digests }: SignerJournal): boolean {
  return manifests.some(({ journal: { head, sequence } }) => digests.get(sequence) === head);
}

/** Refuses CHAIN a journal that is of none of these boxes. */
export function bookOfJournal(books: readonly Book[], journal: SignerJournal): Book {
  const book = books.find((one) => isJournalOf(one, journal));
  if (book) return book;
  throw new Refusal(
    "CHAIN",
    "the journal has no row that a manifest of these boxes names: it is another box's, or was changed",
    {
      expected: "the digest of a row that a manifest has as journal.head",
      got: `rows ${journal.from} to ${journal.to}`,
    },
  );
}

/**
 * Each manifest names a row that was written before it, and its own row and its attempts' rows are about its number: what the journal would have and does not is unexplained. What
 * names rows before the first of the journal, or was made after its last, this journal cannot tell.
 */
export function againstJournal(book: Book, journal: SignerJournal, now: string): readonly Line[] {
  const { counts, from, to } = journal;
  const { gapHours, genesis: box } = book.box;
  const lines: Line[] = [];
  const known = new Map(book.manifests.map((one) => [one.number, one]));
  let [before, after] = [0, 0];
  for (const manifest of book.manifests) {
    const { number } = manifest;
    const wrong = wrongRow(manifest, journal);
    if (wrong !== undefined) lines.push(lineOf("journal", wrong, { box, number }));
    else if (!counts.has(number) && manifest.journal.sequence < from) before += 1;
    else if (!counts.has(number)) after += 1;
  }
  for (const count of counts.values())
    lines.push(...ofNumber(count, known.get(count.number), { box, deadline: deadlineOf(now, gapHours) }));
  const told = [
    [before, `name rows before row ${from}, the first of the journal`],
    [after, `were made after row ${to}, the last of the journal`],
  ] as const;
  for (const [many, where] of told) {
    const text = `${many} manifests ${where}: their seals were counted by their manifests alone`;
    if (many > 0) lines.push(lineOf("journal", text, { box, explained: true }));
  }
  return lines;
}

/** Undefined: the journal says the same as the manifest, or has no row that could. */
function wrongRow(
  { created, journal: { head, sequence }, number, seals }: BookedManifest,
  { counts, digests, from, to, until }: SignerJournal,
): string | undefined {
  const count = counts.get(number);
  const here = digests.get(sequence);
  if (here !== undefined && here !== head)
    return `row ${sequence} of the journal is another one than number ${number} names`;
  // Its own row is about it, so that the row that it names is older.
  if (sequence > to && count && count.outcome !== "under way")
    return `number ${number} names row ${sequence}, and the journal, which has its own row, ends with row ${to}`;
  if (sequence > to && created <= until)
    return `number ${number} names row ${sequence} and claims ${created}, and the journal ends with row ${to} of ${until}: a newer journal must have that row`;
  if (!count && sequence >= from && (sequence < to || (sequence === to && from === 1)))
    return `number ${number} names row ${sequence}, and no row of the journal is about that number: the signer counted none of its ${seals} seals`;
  return undefined;
}

function ofNumber(
  { most, number, outcome, sealed, time }: SignerCount,
  manifest: BookedManifest | undefined,
  { box, deadline: late }: { readonly box: string; readonly deadline: string },
): readonly Line[] {
  if (!manifest) {
    const state = outcome === "under way" ? "is under way" : `was ${outcome}`;
    const text = `number ${number} ${state} at ${time}, and its manifest is not here: the signer counted ${sealed} seals${most > sealed ? `, at most ${most} signatures` : ""}`;
    return [lineOf("signatures", text, { box, number, explained: time > late })];
  }
  if (outcome === "under way" || manifest.seals === sealed) return [];
  const text = `number ${number}: its manifest has ${manifest.seals} seals, the signer counted ${sealed}`;
  return [lineOf("signatures", text, { box, number })];
}

/** A journal that is this box's counts, else the manifests' own word. */
export function keyCounts(
  book: Book,
  journal: SignerJournal | undefined,
  hsm: HsmLog | undefined,
): readonly KeyCount[] {
  const keys = Map.groupBy(book.manifests, ({ sealingKey: key }) => key);
  return [...keys].map(([key, manifests]) => {
    const counted = journal && manifests.every(({ number }) => journal.counts.has(number));
    const signer = counted ? sumOf(manifests, journal) : null;
    const own = hsm?.counts.filter((one) => one.key === key) ?? [];
    return {
      key,
      modes: [...new Set(manifests.map(({ mode }) => mode))].sort(),
      manifests: manifests.length,
      seals: sum(manifests.map(({ seals }) => seals)),
      signer,
      hsm: own.length === 0 ? null : hsmSum(own),
    };
  });
}

function hsmSum(own: readonly HsmCount[]): NonNullable<KeyCount["hsm"]> {
  return {
    signatures: sum(own.map(({ signatures }) => signatures)),
    explained: sum(own.flatMap(({ explained }) => explained.map(({ signatures }) => signatures))),
    from: own.map(({ from }) => from).sort()[0] ?? "",
    to:
      own
        .map(({ to }) => to)
        .sort()
        .at(-1) ?? "",
  };
}

function sumOf(
  manifests: readonly BookedManifest[],
  journal: SignerJournal | undefined,
): { least: number; most: number } {
  const counts = manifests.map(({ number, seals }) => {
    const count = journal?.counts.get(number);
    return count && count.outcome !== "under way"
      ? { least: count.sealed, most: count.most }
      : { least: seals, most: seals };
  });
  return { least: sum(counts.map(({ least }) => least)), most: sum(counts.map(({ most }) => most)) };
}

/** Each range of the HSM's against the manifests that were made in it. */
export function againstHsm(
  books: readonly Book[],
  { counts }: HsmLog,
  journal: SignerJournal | undefined,
): readonly Line[] {
  return counts.flatMap((count) => {
    const book = books.find(({ manifests }) =>
      manifests.some(({ auditKey, sealingKey }) => [auditKey, sealingKey].includes(count.key)),
    );
    if (!book) {
      const text = `the HSM counted ${count.signatures} signatures of key ${count.key}, by which no manifest that is here was sealed or signed`;
      return [lineOf("hsm", text, { explained: count.signatures === explainedIn(count) })];
    }
    const within = book.manifests.filter(({ created }) => count.from < created && created <= count.to);
    const isSealing = book.manifests.some(({ sealingKey }) => sealingKey === count.key);
    const own = journal && isJournalOf(book, journal) ? journal : undefined;
    return isSealing ? sealingKey(book, within, count, own) : auditKey(book, within, count);
  });
}

function sealingKey(
  book: Book,
  within: readonly BookedManifest[],
  count: HsmCount,
  journal: SignerJournal | undefined,
): readonly Line[] {
  const { genesis: box } = book.box;
  const mine = sumOf(
    within.filter((one) => one.sealingKey === count.key),
    journal,
  );
  const known = new Set(book.manifests.map(({ number }) => number));
  // Told in a line of their own; whichever key made them.
  const elsewhere = [...(journal?.counts.values() ?? [])].filter(
    ({ number, time }) => !known.has(number) && count.from < time && time <= count.to,
  );
  const most = mine.most + sum(elsewhere.map((one) => one.most));
  const rest = count.signatures - explainedIn(count);
  const range = `from ${count.from} to ${count.to}`;
  const explained = count.explained.map(({ reason, signatures }) => `${signatures}: ${reason}`).join("; ");
  const told = explained === "" ? "" : ` (${explainedIn(count)} more are explained by who read it: ${explained})`;
  if (rest > most) {
    const hint = journal ? "" : "; signatures that a crash had made twice stand in the signer's journal (--journal)";
    return [
      lineOf(
        "hsm",
        `${range} the HSM made ${rest - most} signatures by key ${count.key} more than seals and records tell of: ${rest} and ${most}${told}${hint}`,
        { box },
      ),
    ];
  }
  if (rest < mine.least) {
    return [
      lineOf(
        "hsm",
        `${range} the HSM made ${mine.least - rest} signatures by key ${count.key} fewer than there are seals: ${rest} and ${mine.least}${told}`,
        { box },
      ),
    ];
  }
  return explained === ""
    ? []
    : [
        lineOf(
          "hsm",
          `${range} ${explainedIn(count)} signatures by key ${count.key} are explained by who read the HSM: ${explained}`,
          { box, explained: true },
        ),
      ];
}

/** HONEST: statements, shares and requests that it signs do not come into the ledger, so that more proves nothing. */
function auditKey(book: Book, within: readonly BookedManifest[], count: HsmCount): readonly Line[] {
  const { genesis: box } = book.box;
  const least = within.filter(({ auditKey: key }) => key === count.key).length;
  const range = `from ${count.from} to ${count.to}`;
  const named = `audit key ${count.key}`;
  if (count.signatures < least) {
    return [
      lineOf(
        "audit-key",
        `${range} the HSM made ${count.signatures} signatures by the ${named}, fewer than the ${least} manifests that it signed`,
        { box },
      ),
    ];
  }
  const text = `${range} the ${named} signed ${least} manifests; ${count.signatures - least} further signatures are of refusals, closings, transcripts, statements, shares and certificate requests, which are not all here`;
  return [lineOf("audit-key", text, { box, explained: true })];
}

function explainedIn({ explained }: HsmCount): number {
  return sum(explained.map(({ signatures }) => signatures));
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}
