/** Wires `coldseal ledger gaps`: what is missing, and what is in dispute. */

import { tableLines } from "../../host/terminal/table.ts";
import { shown } from "../../manifests/records/names.ts";
import { rangeText } from "../../manifests/records/number-ranges.ts";
import { type GapAnswer, gapAnswer } from "../answers/gaps.ts";
import { knownWords } from "../boxes/chain-gaps.ts";
import { boxNamed, enrolledBoxes } from "../boxes/enrolled.ts";
import { asked, give } from "./asked.ts";

/** Exit status 1 where a gap alarms, 4 where something is in dispute. */
export async function runGaps(
  folder: string,
  box: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const boxes = await asked(folder, async (sql, now) => {
    const wanted = box === undefined ? await enrolledBoxes(sql) : [await boxNamed(sql, box)];
    return Promise.all(wanted.map((one) => gapAnswer(sql, one, now)));
  });
  give(json, { boxes }, () =>
    boxes.length === 0 ? ["no box is enrolled: `coldseal ledger enrol`"] : boxes.flatMap(lines),
  );
  if (boxes.some(({ disputes }) => disputes.length > 0)) process.exitCode = 4;
  else if (boxes.some(({ missing }) => missing.some(({ alarm }) => alarm))) process.exitCode = 1;
}

const known = { ...knownWords, explained: `${knownWords.explained}; perhaps never used` };

function lines({ appliance, disputes, genesis, hours, missing }: GapAnswer): readonly string[] {
  const head = `${appliance === null ? "(name not known yet)" : shown(appliance)}, genesis ${genesis.slice(0, 16)}`;
  if (missing.length === 0 && disputes.length === 0) return [`${head}: nothing is missing, nothing is in dispute`];
  const columns = [
    { title: "missing" },
    { title: "since" },
    { title: "known by", shrinks: true },
    { title: "alarm" },
  ] as const;
  const rows = missing.map((one) => [
    rangeText(one),
    one.since,
    known[one.known],
    one.alarm ? `ALARM: over ${hours} hours` : "",
  ]);
  return [
    `${head}:`,
    ...(rows.length > 0 ? tableLines(columns, rows, 110) : []),
    ...disputes.map(
      ({ cause, finding, number, raised }) =>
        `number ${number} IN DISPUTE since ${raised} (${cause}): ${shown(finding)}`,
    ),
  ];
}
