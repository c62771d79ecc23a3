/** A ceremony's script on paper: steps in order, boxes to tick, blanks for time and initials. Pure. */

import { shown } from "../../manifests/records/names.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import { type Leaf, leavesOf } from "../engine/file-leaves.ts";
import { certificatesDigest, type NamedCertificate } from "../engine/named-certificates.ts";
import type { Procedure, StepPlan } from "../engine/procedure.ts";
import { inkLines, labelled, paragraph, ticked } from "./lines.ts";
import type { Paper, PaperItem } from "./page.ts";

/** `certificates`: those that the file's paths lead to. */
export function scriptPaper(
  file: CeremonyFile,
  procedure: Pick<Procedure, "purpose" | "steps" | "simulated">,
  certificates: readonly NamedCertificate[],
): Paper {
  const minutes = procedure.steps.reduce((sum, step) => sum + step.minutes, 0);
  return {
    title: `Script: ${shown(file.title)}`,
    mark: `archive no. ${file.archive}, ceremony ${file.ceremony}, box ${file.appliance}`,
    warning: procedure.simulated ? "SIMULATED TOKENS: nothing of it is fit for production" : undefined,
    items: [
      ...paragraph(procedure.purpose),
      "",
      ...labelled([
        ["place", file.place],
        ["scheduled", file.scheduled],
        ["video", file.video ?? "none"],
        ["steps", `${procedure.steps.length}, about ${minutes} minutes`],
      ]),
      { heading: "Ceremony file, SHA-256 in words" },
      "Whoever leads types two groups of it at the opening.",
      { digest: file.digest },
      { heading: "People" },
      ...file.people.flatMap(({ id, name, roles }) => [
        `[ ] ${`${shown(name)} (${id})`.slice(0, 44).padEnd(46)} ${"_".repeat(27)}`,
        `    ${roles.join(", ")}`,
      ]),
      { heading: "What the file says" },
      ...paragraph(
        "With people and certificates this is all that decides what is made or changed. Reviewers tick what they agree with.",
      ),
      ...leavesOf(file.parameters).flatMap((leaf) => ticked(leafText(leaf))),
      ...certificateItems(certificates),
      ...procedure.steps.flatMap((step, at) => stepItems(step, at + 1)),
      { heading: "End" },
      ...paragraph(
        "The administrator and the witnesses sign in ink the page that bears the final digest and the archive number.",
      ),
      "",
      `final digest, first groups: ${"_".repeat(50)}`,
      "",
      ...inkLines(inkNames(file.people)),
    ],
  };
}

/** Those who sign in ink: administrators and witnesses. */
export function inkNames(people: readonly { readonly name: string; readonly roles: readonly string[] }[]): string[] {
  return people
    .filter(({ roles }) => roles.includes("administrator") || roles.includes("witness"))
    .map(({ name }) => name);
}

/** Words of a root's digest are typed at the second sitting. */
const isRoot = /^roots\[/;

/** Each is compared with its own paper, a root with that of its CA; all of them together once more in the room. */
function certificateItems(certificates: readonly NamedCertificate[]): PaperItem[] {
  const together = certificatesDigest(certificates);
  if (together === undefined) return [];
  return [
    { heading: "Certificates behind the file's paths" },
    ...certificates.flatMap(({ digest, subject, where }) => [
      ...ticked(`${where}: ${subject}, SHA-256 ${digest}`),
      ...(isRoot.test(where) ? [{ digest }] : []),
    ]),
    "",
    {
      together: ["All of them together, SHA-256 in words. Whoever leads types two groups of it.", { digest: together }],
    },
  ];
}

function leafText({ where, value }: Leaf): string {
  return `${where}: ${value === null || typeof value === "object" ? "none" : value}`;
}

function stepItems(step: StepPlan, number: number): PaperItem[] {
  return [
    { heading: `Step ${number}. ${step.title}` },
    ...labelled([
      ["acts", step.acts],
      ["looks on", step.checks],
      ["minutes", `about ${step.minutes}`],
    ]),
    ...step.script.flatMap(ticked),
    ...paragraph(`If it fails: ${step.wayBack}`, "    "),
    "",
    "    time ________________ UTC    initials ________ ________",
  ];
}
