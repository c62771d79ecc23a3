/** Wires `coldseal anchor`: evidence of time for a bundle, by time-stamp authorities. */

import { bundleFolder } from "../../host/bundle-folder.ts";
import { count } from "../../host/terminal/amounts.ts";
import { checkUrl, failedLines, stampLines } from "../../host/tsa/words.ts";
import { rootIn } from "../../host/verify-folder.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Anchored, anchor } from "../anchor/anchor.ts";
import { renew, renewByHash } from "../anchor/renew.ts";

export interface AnchorOptions {
  readonly tsa: readonly string[];
  readonly tsaCa: readonly string[];
  readonly each?: boolean;
  readonly renew?: boolean;
  /** with `renew`: another hash, over the documents again */
  readonly hash?: HashName;
  readonly documents?: string;
  readonly json?: boolean;
}

/** Adds or renews evidence; each file is told as soon as it is durable. Refuses USAGE, TSA-ANSWER, and what the bundle is not. */
export async function runAnchor(
  folder: string,
  { documents, each = false, hash, json, renew: again = false, tsa, tsaCa }: AnchorOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const urls = tsa.map(checkUrl);
  const roots = tsaCa.map(rootIn);
  if (each && again) throw new Refusal("USAGE", "--each goes with new evidence, not with --renew");
  if (hash !== undefined && !again) {
    throw new Refusal("USAGE", "--hash goes with --renew: new evidence is by the hash of the batch's documents");
  }
  if (documents !== undefined && hash === undefined) {
    throw new Refusal("USAGE", "--documents goes with --hash: nothing else is over the documents again");
  }
  const done: Anchored[] = [];
  const told = (one: Anchored) => {
    done.push(one);
    tell(`${done.map(({ file }) => file).join(", ")} in ${shown(folder)} stands`);
    if (!json) process.stdout.write(`${linesOf(one, again).join("\n")}\n`);
  };
  const source = bundleFolder(folder);
  const presented = documents === undefined ? undefined : bundleFolder(documents);
  try {
    const wanted = { folder, roots, source, urls };
    if (hash !== undefined) await renewByHash(wanted, { hash, documents: presented }, told);
    else await (again ? renew(wanted, told) : anchor(wanted, each, told));
  } finally {
    source.close();
    presented?.close();
  }
  if (json) process.stdout.write(`${JSON.stringify(done.map(asJson))}\n`);
  else
    process.stdout.write(
      `Renew it before that certificate ends. That the bundle itself holds was not verified. Now: coldseal verify ${shown(folder)} --ca ca.crt --tsa-ca FILE\n`,
    );
}

function linesOf(one: Anchored, renewed: boolean): readonly string[] {
  const { file, renewed: anew } = one;
  const what =
    anew &&
    `, by ${anew.hash}, over the record, ${count(anew.documents, "document")} with ${anew.documents === 1 ? "its seal" : "their seals"}, and all time-stamps before`;
  return [...failedLines(one), `${renewed ? "Renewed" : "Written"}: ${file}${what ?? ""}`, ...stampLines(one)];
}

function asJson({ failed, file, renewed, stamp, url }: Anchored) {
  return {
    file,
    ...(renewed ? { renewed } : {}),
    time: stamp.info.time,
    authority: stamp.certificate.subjectText,
    policy: stamp.info.policy,
    url,
    notAfter: stamp.certificate.notAfter,
    failed: failed.map((one) => ({ url: one.url, ...one.refusal.toRecord() })),
  };
}
