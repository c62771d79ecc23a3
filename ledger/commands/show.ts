/** Wires `coldseal ledger show`: all that is here of one number of a box. */

import { count } from "../../host/terminal/amounts.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { lastNumber, type ManifestAnswer, manifestAnswers } from "../answers/manifests.ts";
import { type JudgedBy, Standing } from "../answers/standing/judge.ts";
import type { Mark } from "../answers/standing/marks.ts";
import { openDisputes } from "../boxes/chain-rows.ts";
import { boxNamed } from "../boxes/enrolled.ts";
import { asked, give } from "./asked.ts";
import { numberIn } from "./list.ts";

/** Refuses LEDGER-GAP a number of which nothing is here. */
export async function runShow(
  folder: string,
  box: string,
  which: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const number = numberIn(which);
  const { last, ...answer } = await asked(folder, async (sql, now) => {
    const enrolled = await boxNamed(sql, box);
    const standing = await Standing.of(sql, enrolled, now);
    const manifests = [];
    for (const one of await manifestAnswers(sql, enrolled, number, number))
      manifests.push({
        ...one,
        proven: await standing.provenOf(one.digest),
        marks: await standing.marksOf(one.digest),
      });
    const disputes = (await openDisputes(sql, enrolled.box)).filter((one) => one.number === number);
    return {
      genesis: enrolled.genesis,
      number,
      last: await lastNumber(sql, enrolled.box),
      manifests,
      judgedBy: standing.judgedBy,
      disputes: disputes.map(({ cause, finding, raised }) => ({ cause, finding, raised })),
    };
  });
  if (answer.manifests.length === 0)
    throw new Refusal("LEDGER-GAP", `nothing of number ${number} of this box is here`, {
      got:
        number > last
          ? `none; ${last === 0 ? "no manifest is here yet" : `the last one that is here is ${last}`}`
          : "none",
    });
  give(json, answer, () => [
    ...answer.manifests.flatMap((one) => [...manifestLines(one, one.proven), ...markLines(one.marks)]),
    `  judged by ${judgedWords(answer.judgedBy)}`,
    ...answer.disputes.map(({ cause, finding, raised }) => `IN DISPUTE since ${raised} (${cause}): ${shown(finding)}`),
  ]);
}

/** `proven`: by when it is proven to have existed. */
export function manifestLines(one: ManifestAnswer, proven: Utc | null): readonly string[] {
  const seals = `${count(one.seals.count, "seal")} of ${count(one.documents, "document")}, ${one.seals.state}`;
  return [
    `manifest ${one.number}   ${one.digest}`,
    `  ${one.outcome} in mode ${one.mode}, by the box's clock ${one.created}${one.reason === null ? "" : `: ${shown(one.reason)}`}`,
    `  time      ${proven === null ? "no evidence of time yet: the box's own claim alone" : `existed by ${proven}, as time-stamps prove`}`,
    `  batch     ${one.batch === null ? "(plain envelopes)" : shown(one.batch)} from ${shown(one.submitter)}`,
    `  seals     ${seals}`,
    `  approved  ${one.approvers.map(({ name, person, signed }) => `${shown(name)} (${person}) ${signed}`).join(", ")}; policy ${one.policy}`,
    ...(one.emergency ? [`  EMERGENCY ${one.emergency.cause}, declared ${one.emergency.since}`] : []),
    `  standing  ${standingWords(one)}`,
    `  came in   ${one.arrived}`,
  ];
}

/** What takes it back in capitals, as nobody must read over it. */
export function markLines(marks: readonly Mark[]): readonly string[] {
  return marks.map(({ takes, text }) => (takes ? `  TAKEN BACK ${shown(text)}` : `  later     ${shown(text)}`));
}

/** HONEST: nobody here knows of what did not come in. */
export function judgedWords({ lists, policy, words }: JudgedBy): string {
  const policies = policy === 0 ? "no policy" : `policies up to number ${policy}`;
  const orders =
    words === 0
      ? "no order or ceremony that takes a key back"
      : count(words, "order or ceremony", "orders and ceremonies");
  const looked =
    lists === 0 ? "no CRL or OCSP response" : count(lists, "CRL or OCSP response", "CRLs and OCSP responses");
  return `${policies}, ${orders}, ${looked}: as far as records came in`;
}

function standingWords({ entry, standing, via }: ManifestAnswer): string {
  switch (standing) {
    case "chained":
      return `in the log, entry ${entry}, by ${viaWords[via ?? ""] ?? via}`;
    case "waits":
      return "waits for one before it; not in the log yet";
    case "disputed":
      return "in dispute; not in the log";
    case "lost":
      return "lost by a decision of two keepers";
  }
}

const viaWords: Readonly<Record<string, string>> = {
  link: "its link to the one before",
  record: "a continuity record",
  gap: "a continuity record, which explains the gap before it",
  decision: "a decision of two keepers",
};
