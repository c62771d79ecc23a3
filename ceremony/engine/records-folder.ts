/** Where the records of a box's ceremonies lie: a folder each, with the file it was held from, its entries and its signed transcript. */

import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { equal, fromUtf8, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { readEntry } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "./ceremony-file.ts";
import type { Procedure } from "./procedure.ts";

export const transcriptName = "transcript.p7m";
const largestTranscript = 32 << 20;

/** Name of one ceremony's folder and files. */
export function recordName(file: Pick<CeremonyFile, "archive" | "ceremony">): string {
  return `${file.archive}-${file.ceremony}`;
}

export function recordFolder(procedure: Pick<Procedure, "records">, file: CeremonyFile): string {
  return join(procedure.records, recordName(file));
}

/** The signed transcript of a ceremony; undefined when there is none. Refuses STORE. */
export function readTranscriptFile(folder: string): Uint8Array | undefined {
  const path = join(folder, transcriptName);
  try {
    return readAtMost(path, largestTranscript);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Refusal("STORE", "a transcript cannot be read", { about: path, cause });
  }
}

function readAtMost(path: string, limit: number): Uint8Array {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(descriptor).size > limit) throw new Error(`larger than ${limit} bytes`);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * SHA-256 (hex) of the content of the box's last transcript; null when there is none. `but` is the folder of the ceremony
 * that is being held. Refuses CEREMONY-STATE when the transcripts are no chain.
 */
export function lastTranscript(records: string, but: string): string | null {
  const known = new Map<string, string | null>();
  for (const name of folders(records).filter((one) => one !== but)) {
    const p7m = readTranscriptFile(join(records, name));
    if (!p7m) continue;
    const { content } = readSignedData(p7m);
    if (!content) throw new Refusal("CEREMONY-STATE", "a transcript has no content", { about: name });
    const { previous } = readCanonical(content) as { previous: string | null };
    known.set(hex(sha256(content)), previous);
  }
  const followed = new Set(known.values());
  const ends = [...known.keys()].filter((digest) => !followed.has(digest));
  const [last = null, ...more] = ends;
  if (more.length > 0 || (known.size > 0 && last === null)) {
    throw new Refusal("CEREMONY-STATE", "the transcripts of this box are no chain", { about: records });
  }
  return last;
}

/** Writes the signed transcript beside its entries and onto the medium; both durable on return. Refuses STORE. */
export async function writeTranscript(procedure: Procedure, file: CeremonyFile, p7m: Uint8Array): Promise<string> {
  const path = exportedPath(procedure, file);
  await makeFolder(dirname(path), 0o755);
  await writeDurable(join(recordFolder(procedure, file), transcriptName), p7m);
  await writeDurable(path, p7m);
  return path;
}

/** The signed transcript of a ceremony that is over, and its path on the medium, where it stands again on return; undefined where there is none. Refuses STORE. */
export async function transcriptAgain(
  procedure: Procedure,
  file: CeremonyFile,
): Promise<{ readonly p7m: Uint8Array; readonly path: string } | undefined> {
  const p7m = readTranscriptFile(recordFolder(procedure, file));
  if (!p7m) return undefined;
  const path = exportedPath(procedure, file);
  await makeFolder(dirname(path), 0o755);
  if (!existsSync(path) || !equal(readFileSync(path), p7m)) await writeDurable(path, p7m);
  return { p7m, path };
}

function exportedPath({ media }: Procedure, file: CeremonyFile): string {
  return join(media, "coldseal/transcripts", `${recordName(file)}.p7m`);
}

/** How the ceremony of a record ended, by its last entry; `undefined`: there is no such record, or nothing in it. Judged by nothing else. Refuses STORE, SHAPE, JSON. */
export function endOf(records: string, name: string): "open" | "completed" | "abandoned" | undefined {
  const path = join(records, name, "entries.jsonl");
  let text: string;
  try {
    text = fromUtf8(readAtMost(path, largestTranscript));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Refusal("STORE", "a record cannot be read", { about: path, cause });
  }
  const last = text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1) ?? "";
  if (last === "") return undefined;
  const { kind } = readEntry(utf8(last));
  return kind === "completed" || kind === "abandoned" ? kind : "open";
}

function folders(records: string): string[] {
  try {
    return readdirSync(records, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Refusal("STORE", "the folder of records cannot be read", { about: records, cause: fault });
  }
}
