/** A ceremony's script as text for a line printer: 78 columns, blanks to fill in, boxes to tick. Pure. */

import { wrapped } from "../../host/terminal/table.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { shown } from "../../manifests/records/names.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import type { Procedure, StepPlan } from "../engine/procedure.ts";

const width = 78;
const line = "-".repeat(width);

/** The lines of the script. What it is printed from is named by its digest, which the program asks for at the opening. */
export function scriptLines(
  file: CeremonyFile,
  procedure: Pick<Procedure, "purpose" | "steps" | "simulated">,
): string[] {
  const minutes = procedure.steps.reduce((sum, step) => sum + step.minutes, 0);
  return [
    shown(file.title).toUpperCase(),
    line,
    ...wrapped(
      `${procedure.purpose}${procedure.simulated ? " SIMULATED TOKENS: nothing of it is fit for production." : ""}`,
      width,
    ),
    "",
    ...labelled([
      ["ceremony", file.ceremony],
      ["box", file.appliance],
      ["archive no.", file.archive],
      ["place", file.place],
      ["scheduled", file.scheduled],
      ["video", file.video ?? "none"],
      ["steps", `${procedure.steps.length}, about ${minutes} minutes`],
    ]),
    "",
    "Ceremony file, SHA-256 in words (two groups are asked for at the opening):",
    ...digestLines(file.digest),
    "",
    "PEOPLE                                           here?   signature",
    line,
    ...file.people.flatMap(({ id, name, roles }) => [
      `[ ] ${`${shown(name)} (${id})`.padEnd(44)} ____    ____________________`,
      `    ${roles.join(", ")}`,
    ]),
    "",
    ...procedure.steps.flatMap((step, at) => stepLines(step, at + 1)),
    line,
    ...wrapped(
      "The administrator and the witnesses sign in ink the page that bears the final digest and the archive number.",
      width,
    ),
    "",
    "Final digest (two groups at least, by hand): __________________________________",
    "",
    ...file.people
      .filter(({ roles }) => roles.includes("administrator") || roles.includes("witness"))
      .flatMap(({ name }) => [`${shown(name).padEnd(40)} ______________________________`, ""]),
  ];
}

function stepLines(step: StepPlan, number: number): string[] {
  return [
    line,
    `STEP ${number}  ${step.title}`,
    ...labelled([
      ["acts", step.acts],
      ["looks on", step.checks],
      ["minutes", `about ${step.minutes}`],
    ]),
    ...step.script.flatMap((text) => ticked(text)),
    ...wrapped(`If it fails: ${step.wayBack}`, width, "    "),
    "    time ________________ UTC    initials ________ ________",
    "",
  ];
}

function ticked(text: string): string[] {
  const [first = "", ...rest] = wrapped(text, width - 4);
  return [`[ ] ${first}`, ...rest.map((more) => `    ${more}`)];
}

function labelled(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([label, text]) => {
    const [first = "", ...rest] = wrapped(shown(text), width - 14);
    return [`  ${label.padEnd(12)}${first}`, ...rest.map((more) => `${" ".repeat(14)}${more}`)];
  });
}

/** 16 groups, two a line, numbered. */
export function digestLines(digest: string): string[] {
  const cells = wordGroups(fromHex(digest)).map((words, at) => `${String(at + 1).padStart(4)}  ${words}`.padEnd(38));
  return cells.filter((_, at) => at % 2 === 0).map((cell, row) => (cell + (cells[2 * row + 1] ?? "")).trimEnd());
}
