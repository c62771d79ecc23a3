/** Wires `coldseal ledger emergencies`. */

import { count } from "../../host/terminal/amounts.ts";
import { tableLines } from "../../host/terminal/table.ts";
import { shown } from "../../manifests/records/names.ts";
import { rangeText } from "../../manifests/records/number-ranges.ts";
import { type EmergencyAnswer, emergencyAnswers, unfinished } from "../answers/emergencies.ts";
import { boxNamed, enrolledBoxes } from "../boxes/enrolled.ts";
import { asked, give } from "./asked.ts";

/** Exit status 1 where one was not followed up: its hours are over and no closing record is here, it lists what is not here, or here is what it does not list. */
export async function runEmergencies(
  folder: string,
  box: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const emergencies = await asked(folder, async (sql, now) => {
    const wanted = box === undefined ? await enrolledBoxes(sql) : [await boxNamed(sql, box)];
    const all: EmergencyAnswer[] = [];
    for (const one of wanted) all.push(...(await emergencyAnswers(sql, one, now)));
    return all;
  });
  give(json, { emergencies }, () =>
    emergencies.length === 0 ? ["no emergency, as far as records came in"] : emergencies.flatMap(lines),
  );
  if (emergencies.some((one) => unfinished(one) !== undefined)) process.exitCode = 1;
}

const states = {
  open: "OPEN: no closing record yet",
  overdue: "NOT CLOSED: no closing record is here; how much more was sealed is not known",
  closed: "closed",
  incomplete: "CLOSED, AND NOT ALL OF IT IS HERE",
  exceeded: "CLOSED, AND MORE WAS MADE IN IT THAN ITS CLOSING RECORD LISTS",
} as const;

function lines(one: EmergencyAnswer): readonly string[] {
  const {
    appliance,
    cause,
    ceremonies,
    closing,
    declared,
    declaredWhy,
    genesis,
    limits,
    manifests,
    order,
    seals,
    since,
    state,
  } = one;
  const who = declared
    ? `by ${declared.by.join(", ")}: ${shown(declared.reason)}`
    : `by whom is not shown: ${shown(declaredWhy ?? "")}`;
  const limit = limits
    ? `${count(limits.seals, "seal")} at most, until ${limits.until}`
    : "not known: no order with its policy is here";
  return [
    `EMERGENCY since ${since} (${cause}) of ${appliance === null ? "(name not known yet)" : shown(appliance)}, genesis ${genesis.slice(0, 16)}: ${states[state]}`,
    `  declared  ${who}`,
    `  order     ${order}`,
    `  limits    ${limit}`,
    `  sealed    ${count(seals, "seal")} in ${count(manifests.length, "manifest")} that are here`,
    ...(closing
      ? [
          `  ended     ${closing.ended}: closing record with ${count(closing.seals, "seal")} in ${count(closing.manifests, "manifest")}, entry ${closing.entry} of the log`,
        ]
      : []),
    ...(closing && closing.notHere.length > 0
      ? [`  NOT HERE  numbers ${closing.notHere.map(rangeText).join(", ")}, which it lists`]
      : []),
    ...(closing && closing.notListed.length > 0
      ? [
          `  MORE      numbers ${closing.notListed.map(rangeText).join(", ")}, which are here and not in its list: keep them and the closing record, and ask the box's officers`,
        ]
      : []),
    ...(closing && closing.missing.length > 0
      ? [
          `  lost      numbers ${closing.missing.map(rangeText).join(", ")}: a disk was lost meanwhile, and what they were is not known`,
        ]
      : []),
    ...ceremonies.map(
      ({ archive, ceremony, entry }) => `  ceremony  ${ceremony} ${shown(archive)}, entry ${entry} of the log`,
    ),
    ...manifestTable(one).map((line) => `    ${line}`),
  ];
}

function manifestTable({ manifests }: EmergencyAnswer): readonly string[] {
  if (manifests.length === 0) return [];
  const columns = [
    { title: "number", align: "right" },
    { title: "claimed time" },
    { title: "batch", shrinks: true },
    { title: "purpose", shrinks: true },
    { title: "seals", align: "right" },
    { title: "approved by", shrinks: true },
  ] as const;
  const rows = manifests.map(({ approvers, batch, created, number, outcome, purpose, seals }) => [
    `${number}`,
    created,
    batch === null ? "(plain envelopes)" : shown(batch),
    purpose === null ? "" : shown(purpose),
    outcome === "aborted" ? "aborted" : `${seals}`,
    approvers.map(shown).join(", "),
  ]);
  return tableLines(columns, rows, 116);
}
