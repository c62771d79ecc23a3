/** Wires `coldseal ledger list`: the boxes, or the manifests of one. */

import { number as amount } from "../../host/terminal/amounts.ts";
import { tableLines } from "../../host/terminal/table.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type BoxAnswer, boxAnswers } from "../answers/boxes.ts";
import { lastNumber, type ManifestAnswer, manifestAnswers } from "../answers/manifests.ts";
import { type PinnedAnswer, type PinnedCertificate, pinnedOf } from "../answers/pinned.ts";
import { Standing } from "../answers/standing/judge.ts";
import { takenBy } from "../answers/standing/marks.ts";
import { boxNamed } from "../boxes/enrolled.ts";
import { asked, give } from "./asked.ts";

export interface ListOptions {
  readonly from?: string;
  readonly json?: boolean;
}

interface ListedManifest extends ManifestAnswer {
  /** why nothing that it sealed counts any more */
  readonly takenBack: string | null;
}

/** So many manifests are listed at a time. */
const listed = 100;

export async function runList(folder: string, box: string | undefined, { from, json }: ListOptions): Promise<void> {
  if (box === undefined) {
    const boxes = await asked(folder, boxAnswers);
    return give(json, { boxes }, () => boxLines(boxes));
  }
  const start = from === undefined ? undefined : numberIn(from);
  const answer = await asked(folder, async (sql, now) => {
    const enrolled = await boxNamed(sql, box);
    const last = await lastNumber(sql, enrolled.box);
    const first = start ?? Math.max(1, last - listed + 1);
    const standing = await Standing.of(sql, enrolled, now);
    const manifests: ListedManifest[] = [];
    for (const one of await manifestAnswers(sql, enrolled, first, first + listed - 1))
      manifests.push({ ...one, takenBack: takenBy(await standing.marksOf(one.digest)) ?? null });
    return { genesis: enrolled.genesis, pinned: await pinnedOf(enrolled), last, manifests };
  });
  give(json, answer, () => [
    ...pinnedLines(answer.genesis, answer.pinned),
    ...manifestLines(answer.manifests, answer.last),
  ]);
}

/** Refuses USAGE. */
export function numberIn(text: string): number {
  const number = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new Refusal("USAGE", "a number is expected", { expected: "1 or more", got: text });
}

function boxLines(boxes: readonly BoxAnswer[]): readonly string[] {
  if (boxes.length === 0) return ["no box is enrolled: `coldseal ledger enrol`"];
  const columns = [
    { title: "box", shrinks: true },
    { title: "genesis" },
    { title: "up to", align: "right" },
    { title: "seals", align: "right" },
    { title: "verified", align: "right" },
    { title: "waits", align: "right" },
    { title: "missing", align: "right" },
    { title: "records", align: "right" },
    { title: "state" },
  ] as const;
  const rows = boxes.map((one) => [
    one.appliance === null ? "(not known yet)" : shown(one.appliance),
    one.genesis.slice(0, 16),
    amount(one.chained),
    amount(one.seals),
    amount(one.sealsVerified),
    amount(one.waiting),
    amount(one.missing),
    amount(one.records),
    one.disputes > 0 ? "IN DISPUTE" : one.gapAlarms > 0 ? "GAP" : "goes on",
  ]);
  return tableLines(columns, rows, 100);
}

function pinnedLines(genesis: string, pinned: PinnedAnswer): readonly string[] {
  const { arc, authorities, enrolled, gapHours, keepers, roots } = pinned;
  const named = (what: string, some: readonly PinnedCertificate[]) =>
    some.length === 0
      ? [`  ${what.padEnd(9)} none`]
      : some.map(
          ({ digest, name }) => `  ${what.padEnd(9)} ${digest}  ${name === null ? "NO CERTIFICATE" : shown(name)}`,
        );
  return [
    `pinned ${enrolled}, to be compared with paper:`,
    `  genesis   ${genesis}`,
    ...named("root", roots),
    ...named("authority", authorities),
    ...named("keeper", keepers),
    `  arc       ${arc}; a number may be missing for ${amount(gapHours)} h`,
  ];
}

function manifestLines(manifests: readonly ListedManifest[], last: number): readonly string[] {
  if (last === 0) return ["no manifest is here yet"];
  if (manifests.length === 0) return [`no manifest from that number on; the last one that is here is number ${last}`];
  const columns = [
    { title: "number", align: "right" },
    { title: "claimed time" },
    { title: "mode" },
    { title: "batch", shrinks: true },
    { title: "seals", align: "right" },
    { title: "known" },
    { title: "standing" },
    { title: "entry", align: "right" },
  ] as const;
  const rows = manifests.map((one) => [
    `${one.number}`,
    one.created,
    one.mode,
    one.batch === null ? "(plain envelopes)" : shown(one.batch),
    one.outcome === "aborted" ? "aborted" : amount(one.seals.count),
    one.seals.state,
    standingOf(one),
    one.entry === null ? "" : `${one.entry}`,
  ]);
  return [...tableLines(columns, rows, 110), ...othersLine(manifests, last)];
}

/** Which are told, in their order, where those are not all. */
function othersLine(told: readonly ListedManifest[], last: number): readonly string[] {
  const [from = 0, to = 0] = [told.at(0)?.number, told.at(-1)?.number];
  if (from === 1 && to === last) return [];
  return [
    `numbers ${amount(from)} to ${amount(to)} of up to ${amount(last)}; others: --from N tells ${listed} numbers from N on`,
  ];
}

function standingOf({ inDispute, standing, takenBack }: ListedManifest): string {
  if (standing !== "chained") return standing;
  return inDispute ? "IN DISPUTE" : takenBack === null ? "in the log" : "TAKEN BACK";
}
