/** Wires `coldseal ledger find`: was this file sealed? */

import { number as amount, count } from "../../host/terminal/amounts.ts";
import { crlIn, ocspIn } from "../../host/verify-folder.ts";
import { shown } from "../../manifests/records/names.ts";
import { smallFile } from "../../manifests/verify/source.ts";
import { digestIn, digestsOfFile, type FoundSeal, type FoundSeals, findSeals } from "../answers/find.ts";
import { lastNumber } from "../answers/manifests.ts";
import { type SealFileAnswer, sealFileAnswer } from "../answers/seal-file.ts";
import { applianceOf, enrolledBoxes } from "../boxes/enrolled.ts";
import type { Sql } from "../store/database.ts";
import { asked, give } from "./asked.ts";
import { fileBytes } from "./file-bytes.ts";
import { numberIn } from "./list.ts";
import { judgedWords, manifestLines, markLines } from "./show.ts";

/** So many boxes are told where nothing was found. */
const mostBoxes = 10;

export interface FindOptions {
  readonly json?: boolean;
  /** CRLs and OCSP responses of the asker's, beside those that bundles brought */
  readonly crl?: readonly string[];
  /** which seal is told first, where there are more than one answer tells */
  readonly from?: string;
  readonly ocsp?: readonly string[];
}

/** `what`: a file, or the digest of one in hex. Exit status 1 where no seal of it counts, of those that are told. */
export async function runFind(
  folder: string,
  what: string,
  { crl = [], from, json, ocsp = [] }: FindOptions,
): Promise<void> {
  const own = { crls: crl.map(crlIn), ocsp: ocsp.map(ocspIn) };
  const wanted = { own, from: from === undefined ? 1 : numberIn(from) };
  const digest = digestIn(what);
  const digests = digest === undefined ? await digestsOfFile(what) : [digest];
  const { found, here, itself } = await asked(folder, async (sql, now) => {
    const some = await findSeals(sql, digests, now, wanted);
    if (some.seals.length > 0 || wanted.from > 1) return { found: some, here: [] };
    const file = digest === undefined ? smallFileBytes(what) : undefined;
    return { found: some, here: await lookedAt(sql), itself: file && (await sealFileAnswer(sql, file)) };
  });
  const { next, seals } = found;
  const counts = seals.some((one) => one.counts);
  const answer = { digests, sealed: counts, seals, more: next !== null, next, ...(itself ? { seal: itself } : {}) };
  give(json, answer, () => [
    ...lines(what, seals, wanted.from),
    ...(digest === undefined ? [`content of ${shown(what)}: SHA-256 ${digests[0]}`] : []),
    ...(itself ? sealFileLines(what, itself) : []),
    ...here,
    ...moreLines(found),
  ]);
  if (!counts) process.exitCode = 1;
}

/** Undefined: it is longer than a seal can be, or cannot be read any more. */
function smallFileBytes(path: string): Uint8Array | undefined {
  try {
    return fileBytes(path, smallFile);
  } catch {
    return undefined;
  }
}

function sealFileLines(what: string, { appliance, document, index, number }: SealFileAnswer): readonly string[] {
  const place = `document ${index} of manifest ${number} of ${shown(appliance)}`;
  if (document === null)
    return [
      `${shown(what)} is no document but a seal: of ${place}, as it says itself, and no manifest that is here says so`,
      "name the document, to see whether that was sealed",
    ];
  return [
    `${shown(what)} is no document but a seal that a manifest here names: of ${shown(document.name)}, ${place}`,
    `name that document, or its digest: ${document.digest}`,
  ];
}

/** How far records came in: who asks shall not take an empty ledger's word. */
async function lookedAt(sql: Sql): Promise<readonly string[]> {
  const boxes = await enrolledBoxes(sql);
  if (boxes.length === 0) return ["no box is enrolled here: nothing could be found"];
  const ends: string[] = [];
  for (const { box, genesis } of boxes.slice(0, mostBoxes)) {
    const name = await applianceOf(sql, box);
    const last = await lastNumber(sql, box);
    ends.push(
      `${name === null ? genesis.slice(0, 16) : shown(name)} ${last === 0 ? "(no manifest is here)" : `to number ${last}`}`,
    );
  }
  const more = boxes.length > mostBoxes ? ` and ${boxes.length - mostBoxes} more` : "";
  return [
    `looked at ${count(boxes.length, "box", "boxes")}: ${ends.join(", ")}${more}; see also \`coldseal ledger gaps\``,
  ];
}

/** That these are not all. */
export function moreLines({ next, seals }: FoundSeals): readonly string[] {
  if (next === null) return [];
  const others = seals.some(({ counts }) => counts) ? "there are others" : "there are others, which may count";
  return [`MORE: ${count(seals.length, "seal")} told here, and ${others}; the next are told with --from ${next}`];
}

function lines(what: string, seals: readonly FoundSeal[], from: number): readonly string[] {
  if (seals.length === 0 && from > 1) return [`no seal of ${shown(what)} is here beyond the first ${amount(from - 1)}`];
  if (seals.length === 0)
    return [`NOT FOUND: no box that is enrolled here sealed ${shown(what)}, as far as its records came in`];
  return seals.flatMap(({ appliance, counts, entry, genesis, judgedBy, line, manifest, marks, proven, why }) => [
    `${headOf(counts, manifest)}: ${shown(line.name)}, ${line.size} bytes, document ${line.index} of manifest ${manifest.number}${counts ? "" : `: ${shown(why)}`}`,
    `  by box    ${appliance === null ? "(name not known yet)" : shown(appliance)}, genesis ${genesis}`,
    `  seal      ${line.sealDigest}${entry === null ? "" : `; entry ${entry} of the log`}`,
    ...manifestLines(manifest, proven).map((one) => `  ${one}`),
    ...markLines(marks).map((one) => `  ${one}`),
    `  judged by ${judgedWords(judgedBy)}`,
  ]);
}

/** Where no outbox brought the seals, nobody here has seen one. */
function headOf(counts: boolean, { seals }: FoundSeal["manifest"]): string {
  if (!counts) return "DOES NOT COUNT";
  return seals.state === "verified"
    ? "SEALED"
    : "SEALED (says the manifest; the seal itself was not here to be checked)";
}
