/** The transcripts of a box's ceremonies that are here. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { readTranscript, type Transcript } from "../../manifests/records/transcript.ts";
import type { Sql } from "../store/database.ts";
import { wholeEvidence } from "./evidence.ts";

export interface HeldTranscript {
  readonly archive: string;
  readonly ceremony: string;
  /** of the log */
  readonly entry: number;
  readonly transcript: Transcript;
}

/** Of these ceremonies, one in memory at a time, in the order in which they came in or, by `newest`, the last first. Refuses STORE, and what `readTranscript` refuses where one was changed. */
export async function* transcriptsOf(
  sql: Sql,
  box: number,
  ceremonies: readonly string[],
  { newest = false } = {},
): AsyncGenerator<HeldTranscript> {
  const rows = await sql.all<{ file: Uint8Array; about: string; entry: number }>(
    `SELECT file, about, entry FROM box_records WHERE box = ? AND type = 'transcript' ORDER BY record${newest ? " DESC" : ""}`,
    box,
  );
  for (const { about, entry, file } of rows) {
    const { archive = "", ceremony = "" } = JSON.parse(about) as {
      readonly archive?: string;
      readonly ceremony?: string;
    };
    if (!ceremonies.includes(ceremony)) continue;
    const { content } = readSignedData(await wholeEvidence(sql, file));
    if (content) yield { archive, ceremony, entry, transcript: await readTranscript(nodeHost, content) };
  }
}
