/** Who vouches for a custody log, which nobody signs: those who signed a transcript of the box that names its last line, and with it, by the chain, all before. */

import { linesNamed } from "../../manifests/records/custody.ts";
import type { Sql } from "../store/database.ts";
import type { HeldOther } from "./check-others.ts";
import { transcriptsOf } from "./transcripts.ts";

/**
 * Whether a transcript of this box that is here names the log's last line. A line's own `ceremony` is no proof: it is the digest of an entry that anybody who has the transcript
 * can copy. One transcript is in memory at a time, the newest first. Refuses STORE, and what `readTranscript` refuses where one was changed.
 */
export async function isVouchedFor(sql: Sql, { head, known }: Pick<HeldOther, "head" | "known">): Promise<boolean> {
  if (head === undefined) return false;
  for await (const { transcript } of transcriptsOf(sql, known.enrolled.box, ["custody"], { newest: true })) {
    if (linesNamed(transcript).has(head)) return true;
  }
  return false;
}
