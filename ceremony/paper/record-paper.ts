/** A transcript on paper: people, every entry, what was not as planned set off, the final digest, lines for ink. Pure. */

import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import type { Entry, Transcript, VerifiedTranscript } from "../../manifests/records/transcript.ts";
import { inkLines, labelled, paragraph } from "./lines.ts";
import type { Paper, PaperItem } from "./page.ts";
import { runWarning } from "./run-warning.ts";
import { inkNames } from "./script-paper.ts";

/** `digest`: SHA-256 of the transcript's content, hex; `signers`: who signed it; `auditDigest`: SHA-256 of the audit key's certificate, hex. */
export function recordPaper(
  transcript: Transcript,
  digest: string,
  signers: readonly string[],
  auditDigest?: string,
): Paper {
  const {
    archive,
    appliance,
    ceremony,
    entries,
    outcome,
    people,
    place,
    previous,
    run,
    simulated,
    software,
    title,
    video,
  } = transcript;
  return {
    title: `Record: ${shown(title)}`,
    mark: `archive no. ${archive}, ceremony ${ceremony}, box ${appliance}`,
    warning: runWarning[run],
    items: [
      ...labelled([
        ["outcome", outcome],
        ["tokens", simulated ? "SIMULATED: files in software" : "as named below"],
        ["place", place],
        ["video", video ?? "none"],
        ["software", `${software.version}, ${software.digest}`],
        ["before it", previous ?? "the first ceremony of this box"],
        ["signed by", signers.filter((id) => id !== "audit").join(", ")],
        ["audit key", auditDigest === undefined ? "has not signed" : `signed, with certificate ${auditDigest}`],
        ["not checked", "whether these certificates are the box's own: compare them with its policy and manifests"],
      ]),
      { heading: "People" },
      ...people.flatMap(({ id, name, roles, certificate }) =>
        labelled([
          [
            id,
            `${name}: ${roles.join(", ")}; ${certificate === null ? "signs in ink" : `certificate ${certificate.slice(0, 16)}...`}`,
          ],
        ]),
      ),
      { heading: "What happened" },
      ...entries.flatMap(entryItems),
      {
        together: [
          { heading: "Final digest: SHA-256 of the signed content, in words" },
          { digest },
          "",
          `Archive number ${archive}. Signed in ink by:`,
          "",
          "",
          ...inkLines(inkNames(people)),
        ],
      },
    ],
  };
}

/** The paper of a transcript that was verified. */
export function recordOf({ transcript, digest, signers, auditCertificate }: VerifiedTranscript): Paper {
  return recordPaper(transcript, digest, signers, auditCertificate && hex(sha256(auditCertificate)));
}

/** When its last entry was made, UTC. */
export function endOf({ entries }: Pick<Transcript, "entries">): string {
  return (entries.at(-1) as Entry).time;
}

const notAsPlanned: readonly Entry["kind"][] = ["failed", "deviation", "struck", "abandoned"];

function entryItems(entry: Entry): PaperItem[] {
  const { facts, index, kind, people, shown: digests, step, text, time } = entry;
  const mark = notAsPlanned.includes(kind) ? "!!" : "  ";
  const details = [
    ...(text === null ? [] : [text]),
    ...(people.length === 0 ? [] : [`people: ${people.join(", ")}`]),
    ...digests.map(
      ({ label, digest, confirmedBy }) => `${label}: ${digest}, compared by ${confirmedBy.join(", ") || "nobody"}`,
    ),
    ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`),
  ];
  return [
    "",
    `${mark} ${String(index).padStart(3)}  ${time}  ${kind}${step === null ? "" : ` ${step}`}`,
    ...details.flatMap((detail) => paragraph(detail, "        ")),
  ];
}
