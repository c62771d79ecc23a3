/**
 * The custody log of a box: `custody.jsonl` in its folder of records, which counts, and a copy on the stick. Lines that
 * transcripts of earlier ceremonies name must be there, so that a log which was cut off at its end is found out.
 */

import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import {
  type CustodyLog,
  lineFact,
  type NewEvent,
  readCustodyLog,
  withEvent,
} from "../../../manifests/records/custody.ts";
import { readTranscript } from "../../../manifests/records/transcript.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { LineFile } from "../../engine/line-file.ts";
import { readTranscriptFile } from "../../engine/records-folder.ts";

const largestLog = 16 << 20;

export interface LogPlaces {
  /** the box's folder of records */
  readonly records: string;
  /** root of the stick */
  readonly stick: string;
}

export function boxLogPath(records: string): string {
  return join(records, "custody.jsonl");
}

export function stickLogPath(stick: string): string {
  return join(stick, "coldseal/custody/custody.jsonl");
}

/** The box's log, verified; an empty one where none was begun. Refuses STORE, BUSY, JSON, SHAPE, CHAIN. */
export function readBoxLog({ records }: LogPlaces): Promise<CustodyLog> {
  return withLog(records, async (_, log) => log);
}

/** Appends what `make` gives for the log as it stands; nothing where that is undefined. On return the line is on the box's disk. Refuses as `readBoxLog`, and what `make` refuses. */
export function appendToBoxLog(
  { records }: LogPlaces,
  make: (log: CustodyLog) => NewEvent | undefined,
): Promise<CustodyLog> {
  return withLog(records, async (file, log) => {
    const event = make(log);
    if (!event) return log;
    const after = await withEvent(nodeHost, log, event);
    file.append(after.line);
    return after.log;
  });
}

/** Brings the stick's copy up to the box's log; durable on return. Refuses CHAIN when the copy is no beginning of it, STORE. */
export async function copyToStick({ records, stick }: LogPlaces): Promise<void> {
  const path = stickLogPath(stick);
  const copy = readAtMost(path);
  await withLog(records, async (file, _log) => {
    if (copy && !equal(file.bytes.subarray(0, copy.length), copy)) {
      throw new Refusal("CHAIN", "the stick's custody log is not the beginning of the box's", {
        expected: "lines that the box's log has, too",
        got: copy.length > file.bytes.length ? "a longer log" : "other lines",
        about: path,
      });
    }
    if (copy?.length === file.bytes.length) return;
    await makeFolder(join(stick, "coldseal/custody"), 0o755);
    await writeDurable(path, file.bytes, { mode: 0o644 });
  });
}

async function withLog<T>(records: string, work: (file: LineFile, log: CustodyLog) => Promise<T>): Promise<T> {
  const file = await LineFile.open(boxLogPath(records), "the custody log");
  try {
    const log = await readCustodyLog(nodeHost, file.bytes);
    await checkNamedLines(records, log);
    return await work(file, log);
  } finally {
    file.close();
  }
}

/** Every line that a transcript names stands in the log. */
async function checkNamedLines(records: string, { events, head }: CustodyLog): Promise<void> {
  const digests = new Set([...events.map(({ previous }) => previous), head]);
  for (const name of readdirSync(records).filter((one) => one.endsWith("-custody"))) {
    const content = contentOf(readTranscriptFile(join(records, name)));
    if (!content) continue;
    for (const { kind, facts } of (await readTranscript(nodeHost, content)).entries) {
      const line = facts[lineFact];
      if (kind !== "done" || line === undefined || digests.has(line)) continue;
      throw new Refusal("CHAIN", "a line is missing in the custody log", {
        expected: `the line ${line}`,
        got: `${events.length} lines without it`,
        about: name,
      });
    }
  }
}

function contentOf(p7m: Uint8Array | undefined): Uint8Array | undefined {
  return p7m && readSignedData(p7m).content;
}

/** A custody log at a path, for looking at. Refuses STORE. */
export function readLogFile(path: string): Uint8Array {
  const bytes = readAtMost(path);
  if (bytes) return bytes;
  throw new Refusal("STORE", "there is no custody log", { expected: "custody.jsonl", about: path });
}

/** Undefined when nothing is there. */
function readAtMost(path: string): Uint8Array | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    if (fstatSync(descriptor).size > largestLog) throw new Error(`larger than ${largestLog} bytes`);
    return readFileSync(descriptor);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Refusal("STORE", "the custody log cannot be read", { about: path, cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
