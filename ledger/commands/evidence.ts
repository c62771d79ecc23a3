/** Wires `coldseal ledger evidence`: evidence of time for a box, into a bundle, or with one seal. */

import { join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { readSmall } from "../../manifests/verify/source.ts";
import { evidenceNumbers, evidencePath, mostFiles } from "../../manifests/verify/time-evidence.ts";
import { boxRecord, bundleRecord, rowOf } from "../anchor/given-out.ts";
import { sealFolder } from "../anchor/seal-folder.ts";
import { writeNew } from "../anchor/write-evidence.ts";
import { digestIn, digestsOfFile, type FoundSeal, findSeals } from "../answers/find.ts";
import { boxNamed } from "../boxes/enrolled.ts";
import { asked } from "./asked.ts";
import { numberIn } from "./list.ts";

export interface EvidenceOptions {
  /** a stick, for the box itself */
  readonly stick?: string;
  /** the folder of a bundle */
  readonly bundle?: string;
  /** a document or its digest, and a folder for what is handed over with its seal */
  readonly document?: string;
  readonly to?: string;
  readonly number?: string;
  readonly json?: boolean;
}

interface Written {
  readonly files: readonly string[];
  /** nothing was new */
  readonly same: boolean;
  readonly time: string;
  readonly note: readonly string[];
}

/** Exactly one of them. Refuses USAGE, LEDGER-TIME, LEDGER-GAP, TIME-IMPRINT, MEDIA-*. */
export async function runEvidence(folder: string, box: string | undefined, options: EvidenceOptions): Promise<void> {
  const written = await write(folder, box, options);
  if (options.json) process.stdout.write(`${JSON.stringify(written)}\n`);
  else process.stdout.write(`${lines(written).join("\n")}\n`);
}

function write(folder: string, box: string | undefined, options: EvidenceOptions): Promise<Written> {
  const { bundle, document, number, stick, to } = options;
  if ([bundle, document, stick].filter((one) => one !== undefined).length === 1) {
    const which = number === undefined ? undefined : numberIn(number);
    if (stick !== undefined && box !== undefined && to === undefined) return ontoStick(folder, box, stick, which);
    if (bundle !== undefined && box === undefined && to === undefined && which === undefined)
      return intoBundle(folder, bundle);
    if (document !== undefined && to !== undefined) return withSeal(folder, { box, document, to, number: which });
  }
  throw new Refusal("USAGE", "evidence of time is written for a box, into a bundle, or with one seal", {
    expected: "BOX --stick DIR [--number N], or --bundle DIR, or [BOX] --document FILE --to DIR [--number N]",
  });
}

async function ontoStick(folder: string, box: string, stick: string, wanted: number | undefined): Promise<Written> {
  const { der, number, time } = await asked(folder, async (sql) => {
    const enrolled = await boxNamed(sql, box);
    return boxRecord(sql, enrolled.box, wanted);
  });
  const path = join(stick, "coldseal/control/in", `${number}.ers`);
  const fresh = await writeNew(path, der);
  return {
    files: [path],
    same: !fresh,
    time,
    note: [`it is over manifest ${number}, and by the links over all before it`],
  };
}

async function intoBundle(folder: string, bundle: string): Promise<Written> {
  const source = bundleFolder(bundle);
  try {
    const { der, time } = await asked(folder, (sql) => bundleRecord(sql, source));
    const numbers = await evidenceNumbers(source);
    for (const number of numbers) {
      const there = await readSmall(source, evidencePath(number), evidenceRecordLimit);
      if (equal(there, der)) return { files: [join(bundle, evidencePath(number))], same: true, time, note: [] };
    }
    const next = (numbers.at(-1) ?? 0) + 1;
    if (numbers.length >= mostFiles || next > 9999) {
      throw new Refusal("USAGE", "this bundle has as many files of evidence as one may have", {
        expected: `at most ${mostFiles}`,
        got: `${numbers.length} are there`,
      });
    }
    const path = join(bundle, evidencePath(next));
    await writeNew(path, der);
    return { files: [path], same: false, time, note: [] };
  } finally {
    source.close();
  }
}

async function withSeal(
  folder: string,
  {
    box,
    document,
    number,
    to,
  }: {
    readonly box: string | undefined;
    readonly document: string;
    readonly to: string;
    readonly number: number | undefined;
  },
): Promise<Written> {
  const digest = digestIn(document);
  const digests = digest === undefined ? await digestsOfFile(document) : [digest];
  const made = await asked(folder, async (sql, now) => {
    const genesis = box === undefined ? undefined : (await boxNamed(sql, box)).genesis;
    const { seals } = await findSeals(sql, digests, now, { genesis, number });
    const { line, manifest } = onlyOne(
      seals.filter(({ counts }) => counts),
      document,
    );
    return sealFolder(sql, await rowOf(sql, manifest.digest), line);
  });
  const fresh: boolean[] = [];
  for (const [path, bytes] of made.files) fresh.push(await writeNew(join(to, path), bytes));
  const note =
    made.seal === null
      ? ["THE SEAL IS MISSING: no outbox brought it; it is known by its digest"]
      : [
          `Now: coldseal verify ${shown(join(to, made.seal))} ${shown(digest === undefined ? document : "DOCUMENT")} --ca FILE --tsa-ca FILE --evidence ${shown(join(to, made.record))}`,
        ];
  return {
    files: [...made.files.keys()].map((path) => join(to, path)),
    same: !fresh.includes(true),
    time: made.time,
    note,
  };
}

function onlyOne(found: readonly FoundSeal[], document: string): FoundSeal {
  const [only, other] = found;
  if (only && !other) return only;
  if (!only) throw new Refusal("LEDGER-GAP", "no seal of this document counts here", { got: "none", about: document });
  throw new Refusal("USAGE", "this document was sealed more than once: say which seal", {
    expected: "BOX and --number N",
    got: found.map(({ genesis, manifest }) => `${genesis.slice(0, 16)} number ${manifest.number}`).join(", "),
  });
}

function lines({ files, note, same, time }: Written): readonly string[] {
  return [
    ...files.map((file) => `${same ? "There already" : "Written"}: ${shown(file)}`),
    `existed by ${time} at the latest: the batch's time`,
    ...note,
  ];
}
