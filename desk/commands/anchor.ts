/** Wires `coldseal anchor`: evidence of time for a bundle, by time-stamp authorities. */

import { bundleFolder } from "../../host/bundle-folder.ts";
import { rootIn } from "../../host/verify-folder.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Anchored, anchor, renew } from "../anchor/anchor.ts";
import { checkUrl, failedLines, stampLines } from "../anchor/words.ts";

export interface AnchorOptions {
  readonly tsa: readonly string[];
  readonly tsaCa: readonly string[];
  readonly each?: boolean;
  readonly renew?: boolean;
  readonly json?: boolean;
}

/** Adds or renews evidence; each file is told as soon as it is durable. Refuses USAGE, TSA-ANSWER, and what the bundle is not. */
export async function runAnchor(
  folder: string,
  { each = false, json, renew: again = false, tsa, tsaCa }: AnchorOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const urls = tsa.map(checkUrl);
  const roots = tsaCa.map(rootIn);
  if (each && again) throw new Refusal("USAGE", "--each goes with new evidence, not with --renew");
  const done: Anchored[] = [];
  const told = (one: Anchored) => {
    done.push(one);
    tell(`${done.map(({ file }) => file).join(", ")} in ${shown(folder)} stands`);
    if (!json) process.stdout.write(`${linesOf(one, again).join("\n")}\n`);
  };
  const source = bundleFolder(folder);
  try {
    const wanted = { folder, roots, source, urls };
    await (again ? renew(wanted, told) : anchor(wanted, each, told));
  } finally {
    source.close();
  }
  if (json) process.stdout.write(`${JSON.stringify(done.map(asJson))}\n`);
  else
    process.stdout.write(
      `Renew it before that certificate ends. Nothing of the bundle itself was verified. Now: coldseal verify ${shown(folder)} --ca ca.crt --tsa-ca FILE\n`,
    );
}

function linesOf(one: Anchored, renewed: boolean): readonly string[] {
  return [...failedLines(one), `${renewed ? "Renewed" : "Written"}: ${one.file}`, ...stampLines(one)];
}

function asJson({ failed, file, stamp, url }: Anchored) {
  return {
    file,
    time: stamp.info.time,
    authority: stamp.certificate.subjectText,
    policy: stamp.info.policy,
    url,
    notAfter: stamp.certificate.notAfter,
    failed: failed.map((one) => ({ url: one.url, ...one.refusal.toRecord() })),
  };
}
