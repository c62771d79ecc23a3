/** Wires `coldseal ledger find`: was this file sealed? */

import { crlIn, ocspIn } from "../../host/verify-folder.ts";
import { shown } from "../../manifests/records/names.ts";
import { digestIn, digestsOfFile, type FoundSeal, findSeals } from "../answers/find.ts";
import { asked, give } from "./asked.ts";
import { judgedWords, manifestLines, markLines } from "./show.ts";

export interface FindOptions {
  readonly json?: boolean;
  /** CRLs and OCSP responses of the asker's, beside those that bundles brought */
  readonly crl?: readonly string[];
  readonly ocsp?: readonly string[];
}

/** `what`: a file, or the digest of one in hex. Exit status 1 where no seal of it counts. */
export async function runFind(folder: string, what: string, { crl = [], json, ocsp = [] }: FindOptions): Promise<void> {
  const own = {
    crls: crl.map(crlIn),
    ocsp: ocsp.map(ocspIn),
  };
  const digest = digestIn(what);
  const digests = digest === undefined ? await digestsOfFile(what) : [digest];
  const seals = await asked(folder, (sql, now) => findSeals(sql, digests, now, own));
  const counts = seals.some((one) => one.counts);
  give(json, { digests, sealed: counts, seals }, () => lines(what, seals));
  if (!counts) process.exitCode = 1;
}

function lines(what: string, seals: readonly FoundSeal[]): readonly string[] {
  if (seals.length === 0)
    return [`NOT FOUND: no box that is enrolled here sealed ${shown(what)}, as far as its records came in`];
  return seals.flatMap(({ appliance, counts, entry, genesis, judgedBy, line, manifest, marks, why }) => [
    `${headOf(counts, manifest)}: ${shown(line.name)}, ${line.size} bytes, document ${line.index} of manifest ${manifest.number}${counts ? "" : `: ${shown(why)}`}`,
    `  by box    ${appliance === null ? "(name not known yet)" : shown(appliance)}, genesis ${genesis}`,
    `  seal      ${line.sealDigest}${entry === null ? "" : `; entry ${entry} of the log`}`,
    ...manifestLines(manifest).map((one) => `  ${one}`),
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
