/** Wires `coldseal ledger records` and `proven`: what is here of a box beside its manifests, handed over with the proof that it is in the log, and checked by whoever gets it. */

import { join } from "node:path";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { tableLines } from "../../host/terminal/table.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromHex, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { readRecord } from "../../manifests/log/entry.ts";
import { readLogTrust } from "../../manifests/log/log-trust.ts";
import { checkLogProof, logProofBytes, mostProofBytes, readLogProof } from "../../manifests/log/proof.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { writeNew } from "../anchor/write-evidence.ts";
import { type RecordAnswer, recordAnswers, recordTypes } from "../answers/records.ts";
import { boxNamed } from "../boxes/enrolled.ts";
import { wholeEvidence } from "../boxes/evidence.ts";
import { openLedger } from "../ledger-folder.ts";
import { proveRecords } from "../prove/prove.ts";
import { placesOf } from "../publish/places.ts";
import { asked, give } from "./asked.ts";
import { fileBytes } from "./file-bytes.ts";
import { givenKeys, type VerifyOptions } from "./verify.ts";

export interface RecordsOptions {
  readonly type?: string;
  readonly entry?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** Refuses USAGE, LEDGER-BOX, LEDGER-GAP an entry of another kind or box, and with `--to` as `proveInLog`. */
export async function runRecords(
  folder: string,
  box: string,
  { entry, json, to, type }: RecordsOptions,
): Promise<void> {
  const wanted = type === undefined ? undefined : recordTypes.find((one) => one === type);
  if (type !== undefined && !wanted)
    throw new Refusal("USAGE", "there is no such type of record", { expected: recordTypes.join(", "), got: type });
  if (to !== undefined && entry === undefined)
    throw new Refusal("USAGE", "--to goes with --entry", { expected: "--entry N --to DIR" });
  if (entry !== undefined && !/^\d{1,15}$/.test(entry))
    throw new Refusal("USAGE", "--entry expects the number of an entry", { expected: "0 or more", got: entry });
  const answer = await asked(folder, async (sql) => {
    const enrolled = await boxNamed(sql, box);
    return { genesis: enrolled.genesis, records: await recordAnswers(sql, enrolled, wanted) };
  });
  if (entry === undefined) return give(json, answer, () => listLines(answer.records));
  const one = answer.records.find((record) => `${record.entry}` === entry);
  if (!one)
    throw new Refusal("LEDGER-GAP", "no record of this box beside its manifests has this entry of the log", {
      expected: "an entry that `coldseal ledger records` lists",
      got: entry,
    });
  const files = to === undefined ? [] : await handOver(folder, one, to);
  give(json, { genesis: answer.genesis, record: one, files }, () => [
    ...recordLines(one),
    ...files.map((file) => `Written: ${shown(file)}`),
  ]);
}

const endings: Readonly<Record<string, string>> = { custody: "jsonl" };

async function handOver(folder: string, { entry, file, type }: RecordAnswer, to: string): Promise<readonly string[]> {
  const ledger = await openLedger(folder);
  try {
    const { bytes, record } = await ledger.db.reading(async (sql) => {
      const row = await sql.get<{ record: string }>("SELECT record FROM entries WHERE idx = ?", entry);
      if (!row) throw new Refusal("STORE", "the entry is not in the store", { about: `entry ${entry}` });
      return { bytes: await wholeEvidence(sql, fromHex(file)), record: readRecord(utf8(row.record)) };
    });
    const proof = await proveRecords(ledger, placesOf(ledger), [record]);
    const files = [
      join(to, `${type}-${entry}.${endings[type] ?? "p7m"}`),
      join(to, `${type}-${entry}.log.json`),
    ] as const;
    await writeNew(files[0], bytes);
    await writeNew(files[1], logProofBytes(proof));
    return files;
  } finally {
    ledger.close();
  }
}

function listLines(records: readonly RecordAnswer[]): readonly string[] {
  if (records.length === 0) return ["nothing is here of this box beside manifests"];
  const columns = [
    { title: "entry", align: "right" },
    { title: "record" },
    { title: "claimed time" },
    { title: "came in" },
    { title: "about", shrinks: true },
  ] as const;
  const rows = records.map(({ about, arrived, created, entry, type }) => [
    entry === null ? "" : `${entry}`,
    type,
    created ?? "",
    arrived,
    Object.entries(about)
      .map(([name, value]) => `${name} ${shown(`${value}`)}`)
      .join(", "),
  ]);
  return tableLines(columns, rows, 140);
}

function recordLines({ about, arrived, created, digest, entry, type }: RecordAnswer): readonly string[] {
  const rows = Object.entries({ ...about, "claimed time": created ?? "not said", "came in": arrived, digest });
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    `${type}, entry ${entry} of the log`,
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${shown(`${value}`)}`),
  ];
}

/** For whoever was handed them, without a ledger. Refuses LOG-FORM, LOG-PROOF, LOG-NOTE, USAGE. */
export async function runProven(
  proofFile: string,
  recordFile: string,
  options: VerifyOptions & { readonly log: string },
): Promise<void> {
  const trust = await readLogTrust(nodeHost, givenKeys(options));
  if (trust === undefined) throw new Refusal("USAGE", "the log's key is missing", { expected: "--log KEY" });
  const proof = readLogProof(fileBytes(proofFile, mostProofBytes));
  const { origin, size } = await checkLogProof(nodeHost, proof, trust);
  const [entry, second] = proof.entries;
  if (!entry || second || entry.record.type === "seal" || !("digest" in entry.record))
    throw new Refusal("LOG-PROOF", "the proof is not of one record by itself", {
      expected: "a proof as `records --to` writes it",
    });
  const bytes = fileBytes(recordFile, mostRecordBytes);
  const { record } = entry;
  const digest = hex(sha256(record.type === "custody" ? bytes : contentOf(bytes)));
  if (digest !== record.digest) {
    throw new Refusal("LOG-PROOF", "the proof is of another record", {
      expected: record.digest,
      got: digest,
      about: recordFile,
    });
  }
  const told = {
    origin,
    size,
    index: entry.index,
    type: record.type,
    appliance: record.appliance,
    genesis: record.genesis,
    digest,
  };
  give(options.json, told, () => [
    `IN THE LOG: ${record.type} of ${shown(record.appliance)}, genesis ${record.genesis}`,
    `  entry ${entry.index} of ${shown(origin)}, under a checkpoint over ${size} entries`,
    "  who signed the record itself, the log verified when it took it, and nobody here",
  ]);
}

const mostRecordBytes = 64 << 20;

function contentOf(p7m: Uint8Array): Uint8Array {
  try {
    return readSignedData(p7m).content ?? new Uint8Array(0);
  } catch (cause) {
    throw asRefusal(cause, "CMS-FORM", "the record's file cannot be read");
  }
}
