/** A batch that has nothing to decide on: what the daemon tells of it. */

import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { endStates } from "../../appliance/client/batch-row.ts";
import { count, exactSize, minute } from "../../host/terminal/amounts.ts";
import type { Style } from "../../host/terminal/style.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { shown, shownText } from "../../manifests/records/names.ts";
import { approvers, wordLines } from "./batch-screen.ts";
import { whyText } from "./list-screen.ts";

/** The digest's words only once the batch has ended: before that they could stand in for the slip. */
export function rowScreenLines(row: BatchRow, now: string, style: Style): string[] {
  const ended = endStates.includes(row.state);
  const digest = ended && row.batchDigest !== null ? row.batchDigest : undefined;
  return [
    style.bold(`Batch ${row.batch === null ? shownText(row.folder) : shown(row.batch)}`),
    ...facts(row, now).map(([label, text]) => `  ${label.padEnd(10)} ${text}`),
    `Now: ${whyText(row)}`,
    ...refusalFacts(row),
    ...(digest === undefined ? [] : ["", "Batch digest in words:", ...wordLines(wordGroups(fromHex(digest)))]),
    ...(ended ? ["", answerPlace(row)] : []),
  ];
}

/** A refusal may stand under another name, where the folder's own is none that every file system takes. */
function answerPlace({ folder, state }: BatchRow): string {
  if (state === "refused") return "Its answer, which says why, stands in the outbox of the stick.";
  return `Its answer stands in outbox/${shownText(folder)} of the stick.`;
}

/** What a refusal is about, and what was expected and came, as far as it was said. */
function refusalFacts({ refusal }: BatchRow): string[] {
  const { about, expected, got } = refusal ?? {};
  return Object.entries({ about, expected, got }).flatMap(([label, text]) =>
    text === undefined ? [] : [`  ${label.padEnd(10)} ${shownText(text)}`],
  );
}

function facts(row: BatchRow, now: string): (readonly [string, string])[] {
  const known: (readonly [string, string | null])[] = [
    ["from", row.submitter === null ? null : shown(row.submitter)],
    ["purpose", row.purpose === null ? null : `"${shown(row.purpose)}"`],
    ["documents", row.count === null ? null : `${count(row.count, "document")}, together ${exactSize(row.bytes ?? 0)}`],
    ["mode", row.mode === null ? null : shown(row.mode)],
    ["expires", row.expires === null ? null : shown(minute(row.expires))],
    ["approvals", row.approvals.length === 0 ? null : approvers(row.approvals, now)],
  ];
  return known.filter((one): one is readonly [string, string] => one[1] !== null);
}
