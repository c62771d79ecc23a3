/** Wires `coldseal extend`: seals with time-stamps in them, for whoever gets a document and its seal alone. */

import { basename, join } from "node:path";
import { checkUrl, failedLines, stampLines } from "../../host/tsa/words.ts";
import { crlIn, ocspIn, rootIn } from "../../host/verify-folder.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { messageDigestOf } from "../../manifests/cms/verify.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type ExtendWanted, extendSeal } from "../anchor/extend.ts";
import { readBounded } from "../bounded-file.ts";
import { documentDigestAt } from "../document-digest.ts";
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
  /** B-LTA */
  readonly archive?: boolean;
  /** of the archive time-stamp; the seal's unless said */
  readonly hash?: HashName;
  /** the seals' documents, where it is another */
  readonly document?: readonly string[];
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
  const longTerm = longTermOf(options);
  const wanted = { ...asked, oids: ownOids(arc), longTerm, ...archiveOf(options, longTerm) };
  await folderAt(to);
  const written: { file: string; times: string[] }[] = [];
  for (const path of paths) {
    const { level, seal, stamps } = await extendSeal(await readBounded(path, largestSeal), wanted);
    const file = join(to, basename(path));
    await writeNew(file, seal);
    written.push({ file, times: stamps.map(({ stamp }) => stamp.info.time) });
    tell(`${written.map((one) => shown(one.file)).join(", ")} stands`);
    if (json) continue;
    const lines = stamps.flatMap((one) => [...failedLines(one), ...stampLines(one)]);
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

function archiveOf(
  { archive, document = [], hash }: ExtendOptions,
  longTerm: ExtendWanted["longTerm"],
): Pick<ExtendWanted, "archive"> {
  if (archive && longTerm) return { archive: { hash, documentDigest: documentsOf(document) } };
  if (!archive && hash === undefined && document.length === 0) return {};
  throw new Refusal("USAGE", "an archive time-stamp is over what answers for all certificates", {
    expected: "--archive with --ca, and with --crl, --ocsp or both",
    got: archive ? "no --ca" : "--hash or --document without --archive",
  });
}

/** Finds the document of a seal among files, by the digest that was signed. Refuses USAGE where none is. */
function documentsOf(files: readonly string[]): NonNullable<ExtendWanted["archive"]>["documentDigest"] {
  const digests = new Map<string, Promise<Uint8Array | undefined>>();
  const digestOf = (file: string, hash: HashName) => {
    const key = `${hash} ${file}`;
    const found = digests.get(key) ?? documentDigestAt(file, hash);
    digests.set(key, found);
    return found;
  };
  return async ({ signer }, hash) => {
    for (const file of files) {
      const signed = await digestOf(file, signer.suite.hash);
      const found = signed && equal(signed, messageDigestOf(signer)) ? await digestOf(file, hash) : undefined;
      if (found) return found;
    }
    throw new Refusal("USAGE", `the document of a seal is needed for its ${hash}`, {
      expected: "--document FILE…, the documents of all seals",
      got: files.length === 0 ? "none" : "other documents",
    });
  };
}
