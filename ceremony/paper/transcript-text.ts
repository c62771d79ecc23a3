/** A transcript as text: people, every entry, what was not as planned set off, the final digest, lines for ink. Pure. */

import { wrapped } from "../../host/terminal/table.ts";
import { shown } from "../../manifests/records/names.ts";
import type { Entry, Transcript } from "../../manifests/records/transcript.ts";
import { digestLines } from "./script-text.ts";

const width = 78;
const line = "-".repeat(width);

const runWords = {
  live: "live",
  dry: "DRY RUN on throw-away tokens: nothing of it counts",
  rehearsal: "REHEARSAL by made-up people: nothing of it counts",
} as const;

/** `digest`: SHA-256 of the transcript's content, hex; `signers`: who signed it. */
export function transcriptLines(transcript: Transcript, digest: string, signers: readonly string[]): string[] {
  const { archive, appliance, entries, outcome, people, place, previous, run, simulated, software, title, video } =
    transcript;
  return [
    shown(title).toUpperCase(),
    line,
    ...labelled([
      ["outcome", outcome],
      ["run", runWords[run]],
      ["tokens", simulated ? "SIMULATED: files in software" : "as named below"],
      ["box", appliance],
      ["archive no.", archive],
      ["place", place],
      ["video", video ?? "none"],
      ["software", `${software.version}, ${software.digest}`],
      ["before it", previous ?? "the first ceremony of this box"],
      ["signed by", signers.join(", ")],
    ]),
    "",
    "PEOPLE",
    ...people.map(({ id, name, roles, certificate }) => {
      const how = certificate === null ? "signs in ink" : `certificate ${certificate.slice(0, 16)}...`;
      return `  ${`${shown(name)} (${id})`.padEnd(36)} ${roles.join(", ")}; ${how}`;
    }),
    "",
    ...entries.flatMap(entryLines),
    line,
    "FINAL DIGEST: SHA-256 of the signed content, in words",
    ...digestLines(digest),
    "",
    `Archive number ${archive}. Signed in ink by:`,
    "",
    ...people
      .filter(({ roles }) => roles.includes("administrator") || roles.includes("witness"))
      .flatMap(({ name }) => [`${shown(name).padEnd(40)} ______________________________`, ""]),
  ];
}

const notAsPlanned: readonly Entry["kind"][] = ["failed", "deviation", "struck", "abandoned"];

function entryLines(entry: Entry): string[] {
  const { facts, index, kind, people, shown: digests, step, text, time } = entry;
  const mark = notAsPlanned.includes(kind) ? "!! " : "   ";
  const details = [
    ...(text === null ? [] : [text]),
    ...(people.length === 0 ? [] : [`people: ${people.join(", ")}`]),
    ...digests.map(
      ({ label, digest, confirmedBy }) => `${label}: ${digest}, compared by ${confirmedBy.join(", ") || "nobody"}`,
    ),
    ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`),
  ];
  return [
    line,
    `${mark}${String(index).padStart(3)}  ${time}  ${kind}${step === null ? "" : ` ${step}`}`,
    ...details.flatMap((detail) => folded(shown(detail))),
  ];
}

/** Long words (keys, digests) are cut where the line ends. */
function folded(text: string): string[] {
  return wrapped(text, width, "        ").flatMap((row) => {
    const rows: string[] = [];
    for (let rest = row; rest !== ""; rest = rest.length > width ? `        ${rest.slice(width)}` : "")
      rows.push(rest.slice(0, width));
    return rows;
  });
}

function labelled(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([label, text]) => {
    const [first = "", ...rest] = wrapped(shown(text), width - 14);
    return [`  ${label.padEnd(12)}${first}`, ...rest.map((more) => `${" ".repeat(14)}${more}`)];
  });
}
