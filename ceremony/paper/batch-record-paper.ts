/** The record of one batch on paper: its slip, who approved, what the box made of it and says of itself, its documents. Pure. */

import { count, exactSize, number as whole } from "../../host/terminal/amounts.ts";
import { emergencyRows } from "../../host/terminal/emergency-words.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { shown } from "../../manifests/records/names.ts";
import type { ListedDocument, Mode } from "../../manifests/records/request.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { labelRows } from "./label-rows.ts";
import { inkLines, labelled, paragraph } from "./lines.ts";
import { columns, type Paper, type PaperItem } from "./page.ts";

export interface BatchRecord {
  /** of a bundle that holds */
  readonly verdict: BundleVerdict;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's content, hex */
  readonly digest: string;
  /** the first documents of what was to be sealed, in order; how many there are says the manifest */
  readonly documents: readonly ListedDocument[];
  /** SHA-256 of the root certificates that it was verified against, hex */
  readonly roots: readonly string[];
}

export function batchRecordPaper(record: BatchRecord): Paper {
  const { manifest, digest, verdict } = record;
  const approvers = verdict.approvers.toSorted((a, b) => a.signed.localeCompare(b.signed));
  const about = `manifest no. ${manifest.number} of box ${shown(manifest.appliance)}`;
  return {
    title: `Batch record: manifest no. ${manifest.number}`,
    mark: about.length > columns ? `${about.slice(0, columns - 3)}...` : about,
    warning: warningOf(manifest),
    items: [
      ...loud(record),
      ...labelled(headRows(record)),
      { heading: "Slip: batch digest in words" },
      ...labelled(slipRows(manifest)),
      "",
      { digest: manifest.request.digest },
      { heading: "Approved by" },
      ...labelled(
        approvers.map(({ person, name, signed, certificateSha256 }, at) => [
          `approval ${at + 1}`,
          `${name} (${person}), ${signed}, certificate ${certificateSha256}`,
        ]),
      ),
      ...labelled(quorumRows(record)),
      { heading: "Keys and software" },
      ...labelled(keyRows(manifest)),
      { heading: "Labels: what the box says of itself" },
      ...labelled(labelRows(manifest)),
      { heading: "Documents" },
      ...documentItems(record),
      {
        together: [
          { heading: "Manifest digest: SHA-256 of its signed content, in words" },
          { digest },
          "",
          `Manifest no. ${manifest.number}. Archive number ${"_".repeat(24)}  Date ${"_".repeat(16)}`,
          "",
          "Signed in ink by:",
          "",
          ...inkLines([...approvers.map(({ name }) => name), "For the keeper"]),
        ],
      },
    ],
  };
}

const modeText: Record<Mode, string> = {
  test: "test: of a test box, fit for nothing but trying",
  offline: "offline",
  emergency: "emergency",
};

/** On every page, so that no page of it is taken for more than it is. */
function warningOf({ outcome, mode }: Manifest): string | undefined {
  const words = [
    ...(outcome === "aborted" ? ["ABORTED: no seal counts"] : []),
    ...(mode === "offline" ? [] : [`MODE ${mode.toUpperCase()}`]),
  ];
  return words.length === 0 ? undefined : words.join("; ");
}

/** HONEST: what nobody may overlook stands first, set off. */
function loud({ manifest, verdict }: BatchRecord): string[] {
  const recovered = manifest.policy.recovered ?? [];
  const said = [
    ...(manifest.outcome === "aborted"
      ? ["ABORTED: none of its seals counts, and none is in the bundle. Nothing was released."]
      : []),
    ...(manifest.request.kind === "plain-envelopes"
      ? [
          "PLAIN ENVELOPES: composition signed by nobody. The submitter signed each document by itself; their count, order, names and sizes are as intake reported them. There was no slip.",
        ]
      : []),
    ...emergencyRows(verdict.emergency).map(([label, text]) => `${label}: ${text}`),
    ...(recovered.length > 0
      ? [
          `BREAK GLASS: policy ${recovered.join(", ")} was signed by recovery holders in the place of the quorum before it.`,
        ]
      : []),
    ...(verdict.quorum === "pinned to genesis"
      ? []
      : ["NO GENESIS DIGEST was given: which people had to approve is the box's word."]),
  ];
  return said.flatMap((text) => [...paragraph(text, "!! "), ""]);
}

function headRows({ manifest, verdict, roots }: BatchRecord): [string, string][] {
  const { appliance, clock, created, documents, mode, outcome, reason, reported } = manifest;
  const { checked, count: all, notPresented } = verdict.documents;
  const presented = notPresented > 0 ? `, ${whole(notPresented)} not presented` : "";
  return [
    ["outcome", `${outcome}: ${whole(documents.sealed)} of ${count(documents.count, "document")} sealed`],
    ...(reason === null ? [] : [["reason", reason] satisfies [string, string]]),
    ["mode", modeText[mode]],
    ["box", appliance],
    ["time", `${created}, by the box's own clock`],
    ["error", `at most ${count(clock.claimedErrorSeconds, "second")}, as the box claims; no time-stamp`],
    ["clock", `last set ${clock.lastSet}, ${clock.source}`],
    [
      "verified",
      outcome === "aborted"
        ? "the bundle holds, and has no seals"
        : `the bundle holds: ${count(verdict.seals.checked, "seal")}; documents: ${whole(checked)} of ${whole(all)} checked${presented}`,
    ],
    ["against", `root certificate ${roots.join(", ")}`],
    ...(Object.keys(reported).length === 0
      ? []
      : [["reported", `nobody checked this: ${cutText(canonical(reported), 600)}`] satisfies [string, string]]),
  ];
}

function slipRows({ documents, mode, request }: Manifest): [string, string][] {
  const signed = request.kind === "signed-request";
  return [
    ...(signed ? [["batch", request.batch] satisfies [string, string]] : []),
    ["submitter", request.submitter.name],
    ["certificate", request.submitter.certificate],
    ["purpose", signed ? request.purpose : "not stated: plain envelopes say none"],
    ["documents", `${count(documents.count, "document")}, together ${exactSize(documents.bytes)}`],
    ["mode", mode],
    ["expires", signed ? request.expires : "not stated"],
  ];
}

function quorumRows({ manifest, verdict }: BatchRecord): [string, string][] {
  const { authorization, policy } = manifest;
  const pinned = verdict.quorum === "pinned to genesis";
  const earlier = policy.approvedUnder;
  return [
    ["quorum", `counted anew; ${pinned ? "policies pinned to the genesis digest given" : verdict.quorum}`],
    ["challenge", authorization.digest],
    ["policy", `number ${policy.number}, ${policy.digest}`],
    ...(earlier
      ? [["approved", `under policy number ${earlier.number}, ${earlier.digest}`] satisfies [string, string]]
      : []),
    ["genesis", policy.genesis],
  ];
}

function keyRows({ keys, number, previous, profile, software }: Manifest): [string, string][] {
  return [
    ["sealing key", keys.sealing.key],
    ["certificate", keys.sealing.certificate],
    ["token", keys.sealing.token],
    ["audit key", keys.audit.key],
    ["certificate", keys.audit.certificate],
    ["profile", `${profile.level}, ${profile.suite}`],
    ["software", `${software.name} ${software.version}, by its own word: ${software.digest}`],
    ["previous", `${number === 1 ? "genesis policy" : `manifest no. ${number - 1}`}: ${previous}`],
  ];
}

/** The largest size has 21 characters. */
const sizeWidth = 22;
const nameWidth = columns - 8 - sizeWidth;

function documentItems({ documents, manifest }: BatchRecord): PaperItem[] {
  const { count: all, digest, digestAlgorithm, earlierCount, root, sealed } = manifest.documents;
  const left = all - documents.length;
  return [
    ...labelled([
      ["digests", digestAlgorithm],
      ["list", `documents.jsonl, ${whole(sealed)} sealed: SHA-256 ${digest}`],
      ["Merkle root", root],
      ...(earlierCount === 0
        ? []
        : [["again", `${count(earlierCount, "document")} of it sealed before, too`] satisfies [string, string]]),
      ...(manifest.request.kind === "signed-request"
        ? []
        : [["names", `names and sizes are ${manifest.request.namesAndSizes}`] satisfies [string, string]]),
    ]),
    "",
    `${"no.".padStart(6)}  ${"name, and digest".padEnd(nameWidth)}${"bytes".padStart(sizeWidth)}`,
    ...documents.map((document, at) => ({ together: documentLines(document, at + 1) })),
    ...(left === 0
      ? []
      : [
          "",
          ...paragraph(
            `... and ${whole(left)} more of ${count(all, "document")}: the list and its Merkle root stand for all of them.`,
            "        ",
          ),
        ]),
  ];
}

function documentLines({ digest, name, size }: ListedDocument, index: number): string[] {
  const [first = "", ...rest] = pieces(name, nameWidth);
  return [
    `${String(index).padStart(6)}  ${first.padEnd(nameWidth)}${whole(size).padStart(sizeWidth)}`,
    ...[...rest, ...pieces(digest, 64)].map((line) => `        ${line}`),
  ];
}

/** Cut at the column and not at blanks, of which none is lost; no escape is cut. */
function pieces(text: string, width: number): string[] {
  const cut: string[] = [];
  let line = "";
  for (const character of text) {
    const more = shown(character);
    if (line.length + more.length > width) {
      cut.push(line);
      line = "";
    }
    line += more;
  }
  return [...cut, line];
}

function cutText(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}
