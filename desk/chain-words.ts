/** A chain's verdict in words: first whether it is one unbroken chain, then what is missing and who says so. Pure. */

import { count } from "../host/terminal/amounts.ts";
import { shown } from "../manifests/records/names.ts";
import { merged, type NumberRange, rangeText } from "../manifests/records/number-ranges.ts";
import type { ChainEmergency } from "../manifests/verify/chain/chain-emergencies.ts";
import type { ClockSetBack, ContinuityBreak, Gap } from "../manifests/verify/chain/chain-links.ts";
import type { PlacedVerdict } from "../manifests/verify/chain/chain-place.ts";
import type { ChainVerdict } from "../manifests/verify/chain/chain-verdict.ts";
import type { Told } from "./told.ts";
import { bundleWords, found, indicationText, type VerdictWords } from "./verdict-words.ts";

/** 0: unbroken from number 1 to the last; 1: what is here holds, and something is missing; 4: it does not hold. */
export function chainTold(verdict: ChainVerdict): Told {
  return { status: !verdict.ok ? 4 : verdict.whole ? 0 : 1, json: verdict, words: chainWords(verdict) };
}

/** As of the bundle alone, with its place; 1 also where numbers of the chain are missing, which whoever names a chain asks for. */
export function placedTold(verdict: PlacedVerdict): Told {
  const holds = verdict.ok && verdict.outcome === "sealed";
  const words = bundleWords(verdict);
  const rows = [...words.rows, ...row("chain", placeText(verdict)), ...chainRows(verdict.chain)];
  const whole = verdict.chain.whole;
  const status = holds ? (verdict.documents.checked > 0 && whole ? 0 : 1) : 4;
  const json = { ...verdict, manifest: undefined };
  if (!verdict.ok || whole) return { status, json, words: { ...words, rows } };
  const headline = `${words.headline}; THE CHAIN BESIDE IT IS NOT WHOLE: ${missingText(verdict.chain)}`;
  return { status, json, words: { ...words, tone: "warn", headline, rows } };
}

export function chainWords(verdict: ChainVerdict): VerdictWords {
  const { appliance, claimedTimes: times, copies, genesis, manifests, ok, pinned, proven } = verdict;
  return {
    ...headline(verdict),
    ...found(verdict.findings, verdict.findingsCount),
    rows: [
      ...row("result", indicationText(verdict.indication)),
      ...row("appliance", appliance),
      ...row("genesis", genesis && `${genesis}, ${pinned ? "which you gave" : "as the manifests say: give --genesis"}`),
      ...row(
        "manifests",
        manifests > 0
          ? `${manifests}, numbers ${rangesText(verdict.seen)}${copies > 0 ? `; ${count(copies, "copy", "copies")} of them, the same` : ""}`
          : null,
      ),
      ...row("not held", notHeldText(verdict)),
      ...row("time", times && `${times.first} to ${times.last}, as the box claims`),
      ...row("existed by", proven && ok ? provenText(proven) : null),
      ...chainRows(verdict),
      ...row("quorum", verdict.records.read > 0 ? quorumText(verdict) : null),
      ...row("lists", listsText(verdict)),
      ...row("log", logText(verdict)),
      ...row("unchecked", "requests, seals and documents: verify each bundle by itself"),
    ],
  };
}

/** What is missing, what was made anew, and how it was made: of the chain itself and of a bundle in it. */
function chainRows(verdict: ChainVerdict) {
  return [
    ...firstOf(verdict.gaps, "missing", gapText),
    ...row("after", verdict.last > 0 ? `whether there is a number ${verdict.last + 1}, nothing here says` : null),
    ...firstOf(verdict.breaks, "MADE ANEW", breakText),
    ...firstOf(verdict.clockSetBack, "clock", clockText),
    ...verdict.modes.flatMap(({ mode, numbers }) =>
      row(
        "mode",
        mode === "test" && verdict.modes.length > 1
          ? `test: ${rangesText(numbers)}, which seal nothing in earnest`
          : `${mode}: ${rangesText(numbers)}`,
      ),
    ),
    ...firstOf(verdict.emergencies, "EMERGENCY", emergencyText),
  ];
}

const mostRows = 20;

function firstOf<T>(all: readonly T[], label: string, text: (one: T) => string) {
  const rows = all.slice(0, mostRows).flatMap((one) => row(label, text(one)));
  return all.length > mostRows ? [...rows, ...row(label, `and ${all.length - mostRows} more: see --json`)] : rows;
}

function emergencyText({
  cause,
  closing,
  manifests,
  numbers,
  seals,
  sealsNotPresented,
  since,
}: ChainEmergency): string {
  const here = `${count(seals, "seal")} in ${count(manifests, "manifest")}${manifests > 0 ? `, numbers ${rangesText(numbers)}` : ""}`;
  const absent = closing?.notPresented ?? [];
  return [
    `declared ${since} as the box claims (cause: ${cause}); here: ${here}`,
    closing
      ? `closed ${closing.ended} with ${count(closing.seals, "seal")} in ${count(closing.manifests, "manifest")}`
      : "no closing presented",
    ...(absent.length > 0 ? [`GAPS: it lists ${rangesText(absent)}, not presented`] : []),
    ...(closing && closing.missing.length > 0
      ? [`GAPS: the box does not know what numbers ${rangesText(closing.missing)} were`]
      : []),
    ...(!closing && sealsNotPresented > 0
      ? [`GAPS: its manifests count ${count(sealsNotPresented, "seal")} more, not presented`]
      : []),
  ].join("; ");
}

function breakText({ number, record: { created, file, people, reason } }: ContinuityBreak): string {
  return `number ${number} follows the continuity record of ${created} (${file}), signed by ${people.join(", ")}: ${reason}`;
}

function clockText({ from, number, to }: ClockSetBack): string {
  return `before number ${number} it was set back, from ${from} or later to ${to} or earlier, as that manifest says`;
}

function headline(verdict: ChainVerdict): Pick<VerdictWords, "tone" | "headline"> {
  const { breaks, findingsCount, first, last, manifests, modes, ok } = verdict;
  if (!ok) return { tone: "bad", headline: `NOT VALID: ${count(findingsCount, "finding")}` };
  const made = modes.length === 1 ? `mode ${modes[0]?.mode}` : `modes ${modes.map(({ mode }) => mode).join(", ")}`;
  const how = breaks.length > 0 ? `(${made}; the box was made anew)` : `(${made})`;
  if (verdict.whole) {
    return { tone: "good", headline: `ONE CHAIN: numbers 1 to ${last}, unbroken from genesis ${how}` };
  }
  const what = `${count(manifests, "manifest")} of numbers ${first} to ${last} ${manifests === 1 ? "holds" : "hold"} ${how}`;
  return {
    tone: "warn",
    headline: `NOT WHOLE: ${what}, and ${missingText(verdict)}`,
  };
}

function missingText({ emergencies, gaps }: ChainVerdict): string {
  const ranges = [...gaps, ...emergencies.flatMap(({ closing }) => closing?.notPresented ?? [])];
  const missing = merged(ranges).reduce((sum, { from, to }) => sum + to - from + 1, 0);
  return `${count(missing, "number")} ${missing === 1 ? "is" : "are"} missing`;
}

function gapText({ from, known, to }: Gap): string {
  const numbers = from === to ? `number ${from} was` : `numbers ${from} to ${to} were`;
  switch (known) {
    case "by a link":
      return `${numbers} not presented: what lies between is only claimed by number ${to + 1}'s link`;
    case "by a continuity record":
      return `${numbers} not presented: a continuity record says that ${from === to ? "it was" : "they were"} there when the box was made anew`;
    case "unexplained":
      return `${numbers} not presented: a continuity record names ${from === to ? "it" : "them"} unexplained, perhaps never used`;
  }
}

function provenText({ from, time, to }: NonNullable<ChainVerdict["proven"]>): string {
  const what = from === to ? `number ${to}` : `numbers ${from} to ${to}`;
  return `${what}: ${time} at the latest, by a time-stamp that holds over number ${to}${from === to ? "" : ", and the links to it"}`;
}

function placeText({ place, chain }: PlacedVerdict): string {
  if (!place) return "it has no place in the chain that lies beside it";
  const { from, to } = place.linked;
  const start = from === 1 ? "genesis" : `number ${from}`;
  const reach = from === to && from !== 1 ? "linked to no other that is here" : `unbroken from ${start} to ${to}`;
  return `number ${place.number} of ${chain.first} to ${chain.last}; ${reach}`;
}

function quorumText({ quorum, records }: ChainVerdict): string {
  const { approvalsCounted, approvalsNotPresented, notHeld, read, underPolicy } = records;
  const counted = `the approvals of ${approvalsCounted} of ${count(read, "record")} were counted anew`;
  if (quorum === "pinned to genesis") return `${counted}, under the policy chain from the genesis digest you gave`;
  if (quorum === "only as the box claims")
    return `${counted}, but which policy was in force only as the box claims: give --genesis`;
  const out = sumOf(notHeld);
  const why = [
    ...(out > 0 ? [`of ${out} the manifest does not hold`] : []),
    ...(underPolicy + out < read ? [`of ${read - underPolicy - out} no policy that fits is here`] : []),
    ...(approvalsNotPresented > 0 ? [`of ${approvalsNotPresented} no approvals are here`] : []),
  ];
  return `not shown: ${[counted, ...why].join("; ")}`;
}

function listsText({ records: { lists, notHeld, read } }: ChainVerdict): string | null {
  if (read === 0) return null;
  const out = sumOf(notHeld);
  if (out === 0 && lists === read) return "of every record, as its manifest names it";
  const here = `${lists} of ${read} documents.jsonl ${lists === 1 ? "was" : "were"} here`;
  return out === 0 ? here : `${here}; those of manifests that do not hold were held against nothing`;
}

/** They are here, and are no part of the chain: another root, or another policy, may well be all that is wrong. */
function notHeldText({ records: { notHeld, read } }: ChainVerdict): string | null {
  if (notHeld.length === 0) return null;
  const codes = notHeld.map(({ code, count: of }) => `${of} by ${code}`).join(", ");
  const root = notHeld.some(({ code }) => code === "PATH-ROOT");
  return `${sumOf(notHeld)} of the ${count(read, "manifest")} that ${read === 1 ? "is" : "are"} here: ${codes}${root ? " (no path to the root that you gave: is --ca this box's?)" : ""}`;
}

function sumOf(notHeld: ChainVerdict["records"]["notHeld"]): number {
  return notHeld.reduce((sum, { count: of }) => sum + of, 0);
}

function logText({ log, records: { logged, read } }: ChainVerdict): string | null {
  return log === null ? null : `${logged} of ${count(read, "record")} shown to be in ${log}, by proofs beside them`;
}

const mostRanges = 20;

function rangesText(ranges: readonly NumberRange[]): string {
  const named = ranges.slice(0, mostRanges).map(rangeText);
  return `${named.join(", ")}${ranges.length > mostRanges ? ` and ${ranges.length - mostRanges} more ranges` : ""}`;
}

function row(label: string, text: string | null): (readonly [string, string])[] {
  return text === null ? [] : [[label, shown(text)]];
}
