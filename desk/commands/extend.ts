/** Wires `coldseal extend`: seals with time-stamps in them, for whoever gets a document and its seal alone. */

import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { rootIn } from "../../host/verify-folder.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { shown } from "../../manifests/records/names.ts";
import { extendSeal } from "../anchor/extend.ts";
import { checkUrl, failedLines, stampLines } from "../anchor/words.ts";
import { readBounded } from "../bounded-file.ts";
import { fileFault } from "../file-fault.ts";

const largestSeal = 1 << 20;

export interface ExtendOptions {
  readonly tsa: readonly string[];
  readonly tsaCa: readonly string[];
  readonly to: string;
  readonly each?: boolean;
  readonly arc: string;
  readonly json?: boolean;
}

/** Writes each seal under its name into a folder, never over a file that is there. Refuses USAGE, TSA-ANSWER, and what is no seal. */
export async function runExtend(
  paths: readonly string[],
  { arc, each = false, json, to, tsa, tsaCa }: ExtendOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const wanted = { each, urls: tsa.map(checkUrl), roots: tsaCa.map(rootIn) };
  await mkdir(to, { recursive: true }).catch((fault) => {
    throw fileFault(fault, "write a file", to);
  });
  const written: { file: string; times: string[] }[] = [];
  for (const path of paths) {
    const { seal, stamps } = await extendSeal(await readBounded(path, largestSeal), ownOids(arc), wanted);
    const file = join(to, basename(path));
    await writeFile(file, seal, { flag: "wx" }).catch((fault) => {
      throw fileFault(fault, "write a file", file);
    });
    written.push({ file, times: stamps.map(({ stamp }) => stamp.info.time) });
    tell(`${written.map((one) => shown(one.file)).join(", ")} stands`);
    if (json) continue;
    const lines = stamps.flatMap((one) => [...failedLines(one), ...stampLines(one)]);
    process.stdout.write(`${[`Written: ${shown(file)}`, ...lines].join("\n")}\n`);
  }
  if (json) process.stdout.write(`${JSON.stringify(written)}\n`);
}
