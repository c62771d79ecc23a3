/** Wires `coldseal extend`: seals with time-stamps in them, for whoever gets a document and its seal alone. */

import { basename, join } from "node:path";
import { crlIn, ocspIn, rootIn } from "../../host/verify-folder.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type ExtendWanted, extendSeal } from "../anchor/extend.ts";
import { checkUrl, failedLines, stampLines } from "../anchor/words.ts";
import { readBounded } from "../bounded-file.ts";
import { folderAt, writeNew } from "../new-files.ts";

const largestSeal = 1 << 20;

export interface ExtendOptions {
  readonly tsa: readonly string[];
  readonly tsaCa: readonly string[];
  readonly to: string;
  readonly each?: boolean;
  /** B-LT: roots of the box's CA, and what answers for all paths */
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  readonly ocsp?: readonly string[];
  readonly arc: string;
  readonly json?: boolean;
}

/** Writes each seal under its name into a folder, never over a file that is there. Refuses USAGE, TSA-ANSWER, and what is no seal. */
export async function runExtend(
  paths: readonly string[],
  options: ExtendOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const { arc, each = false, json, to, tsa, tsaCa } = options;
  const asked = { each, urls: tsa.map(checkUrl), authorities: tsaCa.map(rootIn) };
  const wanted = { ...asked, oids: ownOids(arc), longTerm: longTermOf(options) };
  await folderAt(to);
  const written: { file: string; times: string[] }[] = [];
  for (const path of paths) {
    const { seal, stamps } = await extendSeal(await readBounded(path, largestSeal), wanted);
    const file = join(to, basename(path));
    await writeNew(file, seal);
    written.push({ file, times: stamps.map(({ stamp }) => stamp.info.time) });
    tell(`${written.map((one) => shown(one.file)).join(", ")} stands`);
    if (json) continue;
    const lines = stamps.flatMap((one) => [...failedLines(one), ...stampLines(one)]);
    const level = wanted.longTerm ? "CAdES-B-LT" : "CAdES-B-T";
    process.stdout.write(`${[`Written: ${shown(file)} (${level})`, ...lines].join("\n")}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(written)}\n`);
}

function longTermOf({ ca, crl = [], ocsp = [] }: ExtendOptions): ExtendWanted["longTerm"] {
  if (ca === undefined && crl.length + ocsp.length === 0) return undefined;
  if (ca === undefined || crl.length + ocsp.length === 0) {
    throw new Refusal("USAGE", "CAdES-B-LT takes a root and what answers for its certificates", {
      expected: "--ca with --crl, --ocsp or both, for the box's path and the authorities'; or none of them",
      got: ca === undefined ? "no --ca" : "neither --crl nor --ocsp",
    });
  }
  return { roots: ca.map(rootIn), crls: crl.map(crlIn), ocsp: ocsp.map(ocspIn) };
}
