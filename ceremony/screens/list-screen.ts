/** The batches that are here, one row each with the reason why it waits below. */

import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { count, duration, number, size } from "../../host/terminal/amounts.ts";
import type { Style } from "../../host/terminal/style.ts";
import { tableLines, wrapped } from "../../host/terminal/table.ts";
import { shownText } from "../../manifests/records/names.ts";

export function listLines(rows: readonly BatchRow[], style: Style): string[] {
  if (rows.length === 0) return ["No batches here. Insert a stick, or see those that ended: list --all"];
  const cells = rows.map((row) => [
    shownText(row.folder),
    row.state,
    row.count === null ? "?" : number(row.count),
    row.bytes === null ? "?" : size(row.bytes),
    row.needed === null ? "" : `${row.approvals.length} of ${row.needed}`,
  ]);
  const [title = "", ...lines] = tableLines(
    [
      { title: "BATCH", shrinks: true },
      { title: "STATE" },
      { title: "DOCUMENTS", align: "right" },
      { title: "SIZE", align: "right" },
      { title: "APPROVALS", align: "right" },
    ],
    cells,
  );
  return [
    style.bold(title),
    ...lines.flatMap((line, at) => [line, ...wrapped(whyText(rows[at] as BatchRow), 80, "    ")]),
  ];
}

/** What is said of sticks and USB devices, alarms marked. */
export function stickLines(sticks: readonly string[], style: Style): string[] {
  return sticks.map((one) => (/^(?:ALARM|refused)/.test(one) ? style.bad(shownText(one)) : shownText(one)));
}

/** Why a batch is where it is, and how far the work on it is. */
export function whyText(row: BatchRow): string {
  if (row.refusal) return `refused: ${row.refusal.code}, ${shownText(row.refusal.message)}`;
  if (row.progress) return progressText(row);
  const sealed = row.number === null ? "" : ` (manifest ${row.number})`;
  return `${shownText(row.waiting ?? row.state.replaceAll("-", " "))}${sealed}`;
}

/** `sealing 3 of 12 documents, 41.0 MiB of 241 MiB, 20 s left` */
export function progressText(row: BatchRow): string {
  const { progress } = row;
  if (!progress) return shownText(row.waiting ?? row.state.replaceAll("-", " "));
  const bytes = progress.ofBytes > 0 ? `, ${size(progress.bytes)} of ${size(progress.ofBytes)}` : "";
  const rate = progress.bytesPerSecond === null ? "" : `, ${size(progress.bytesPerSecond)}/s`;
  const left = progress.secondsLeft === null ? "" : `, ${duration(progress.secondsLeft)} left`;
  return `${row.state.replaceAll("-", " ")} ${number(progress.documents)} of ${count(progress.of, "document")}${bytes}${rate}${left}`;
}
