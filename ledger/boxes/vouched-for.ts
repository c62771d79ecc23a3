/** Who vouches for a custody log, which nobody signs: those who signed a transcript of the box that names its last line, and with it, by the chain, all before. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { linesNamed } from "../../manifests/records/custody.ts";
import { readTranscript } from "../../manifests/records/transcript.ts";
import type { Sql } from "../store/database.ts";
import type { HeldOther } from "./check-others.ts";
import { evidencePieces } from "./evidence.ts";

/**
 * Whether a transcript of this box that is here names the log's last line. A line's own `ceremony` is no proof: it is the digest of an entry that anybody who has the transcript
 * can copy. One transcript is in memory at a time, the newest first. Refuses STORE, and what `readTranscript` refuses where one was changed.
 */
export async function isVouchedFor(sql: Sql, { head, known }: Pick<HeldOther, "head" | "known">): Promise<boolean> {
  if (head === undefined) return false;
  const rows = await sql.all<{ file: Uint8Array; about: string }>(
    "SELECT file, about FROM box_records WHERE box = ? AND type = 'transcript' ORDER BY record DESC",
    known.enrolled.box,
  );
  for (const { about, file } of rows) {
    if ((JSON.parse(about) as { readonly ceremony?: string }).ceremony !== "custody") continue;
    const pieces: Uint8Array[] = [];
    for await (const piece of evidencePieces(sql, file)) pieces.push(piece);
    const { content } = readSignedData(concat(pieces));
    if (content && linesNamed(await readTranscript(nodeHost, content)).has(head)) return true;
  }
  return false;
}
