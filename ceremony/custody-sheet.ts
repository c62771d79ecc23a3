/** `custody-sheet`: a custody log is checked line by line, then it goes as a paper to the screen, to files, to a printer. */

import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeHost } from "../host/crypto-host.ts";
import { actorOf, type CustodyEvent, type CustodyLog, lineFact, readCustodyLog } from "../manifests/records/custody.ts";
import type { Transcript } from "../manifests/records/transcript.ts";
import { Refusal } from "../manifests/refusal.ts";
import { transcriptName } from "./engine/records-folder.ts";
import { givePaper, type PrintOptions } from "./give-paper.ts";
import { type CustodySheet, custodyPaper, lineDigest, type SeenBy } from "./paper/custody-paper.ts";
import type { Output } from "./ports.ts";
import { readLogFile } from "./procedures/custody/box-log.ts";
import { verifiedTranscript } from "./verified-transcript.ts";

export interface CustodySheetOptions extends PrintOptions {
  /** folder of transcripts, or of the records of ceremonies */
  readonly transcripts?: string;
}

/** Checks a custody log and shows or prints it. Refuses as `readCustodySheet`; USAGE, PRINTER. */
export async function showCustodySheet(output: Output, path: string, options: CustodySheetOptions): Promise<void> {
  const sheet = await readCustodySheet(path, options.transcripts);
  const { appliance, number, time } = lastOf(sheet.log);
  const files = await givePaper(output, custodyPaper(sheet), sheetName(sheet), time, options);
  output.document({ appliance, events: number, files, head: sheet.log.head, seen: sheet.seen.size });
}

/** Without an ending. A log may come from a stick: nothing of it but letters and digits gets into a file's name. */
export function sheetName({ log }: CustodySheet): string {
  const { appliance, number } = lastOf(log);
  return `${appliance.replace(/[^A-Za-z0-9-]+/g, "-")}-custody-${String(number).padStart(6, "0")}.sheet`;
}

/** When the log's last event was. */
export function lastOf({ events }: CustodyLog): CustodyEvent {
  return events.at(-1) as CustodyEvent;
}

/**
 * A log with at least one event, and who looked on by the transcripts in a folder: where none is named, those of the box's records or of the
 * stick, where the log lies in one. Refuses STORE, JSON, SHAPE; CHAIN also where a transcript names a line that is not there;
 * what `verifyTranscript` refuses of a transcript of custody that lies there.
 */
export async function readCustodySheet(path: string, transcripts?: string): Promise<CustodySheet> {
  const log = await readCustodyLog(nodeHost, readLogFile(path));
  if (log.head === null) {
    throw new Refusal("CHAIN", "the custody log is empty", { expected: "at least one event", about: path });
  }
  const byLine = new Map(log.events.map((event) => [lineDigest(log, event), event]));
  const seen = new Map<string, SeenBy>();
  for (const one of transcripts === undefined ? besideLog(path) : transcriptsIn(transcripts)) {
    const { digest, transcript } = await verifiedTranscript(one);
    if (transcript.appliance !== lastOf(log).appliance) continue;
    for (const { line, people } of handOvers(transcript)) {
      const event = byLine.get(line);
      if (!event) throw missing(line, one);
      seen.set(line, { witnesses: people.filter(({ id }) => !isActor(event, id)), transcript: digest });
    }
  }
  return { log, seen };
}

/** In the box the log lies among the records, on the stick its folder lies beside that of the transcripts. */
function besideLog(path: string): readonly string[] {
  const folders = [dirname(path), join(dirname(path), "../transcripts")];
  return folders.filter((folder) => existsSync(folder)).flatMap(transcriptsIn);
}

/** Transcripts of custody ceremonies: files, or in the folders of ended ones. No link is followed. Refuses STORE. */
function transcriptsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((one) => (one.isFile() ? one.name.endsWith("-custody.p7m") : isEnded(folder, one)))
      .map(({ name }) => join(folder, name))
      .sort();
  } catch (cause) {
    throw new Refusal("STORE", "the transcripts cannot be read", { expected: "a folder", about: folder, cause });
  }
}

function isEnded(folder: string, one: { readonly name: string; isDirectory(): boolean }): boolean {
  if (!one.isDirectory() || !one.name.endsWith("-custody")) return false;
  const inside = readdirSync(join(folder, one.name), { withFileTypes: true });
  return inside.some((file) => file.name === transcriptName && file.isFile());
}

/** Each hand-over's line, and all who had a part in it. */
function handOvers({ entries, people }: Transcript) {
  return entries.flatMap(({ facts, kind, people: ids }) => {
    const line = facts[lineFact];
    return kind === "done" && line !== undefined ? [{ line, people: people.filter(({ id }) => ids.includes(id)) }] : [];
  });
}

function isActor({ from, to }: CustodyEvent, id: string): boolean {
  return actorOf(from).id === id || actorOf(to).id === id;
}

function missing(line: string, transcript: string): Refusal {
  return new Refusal("CHAIN", "a line is missing in the custody log", {
    expected: `the line ${line}, which a transcript names`,
    got: "a log without it",
    about: transcript,
  });
}
