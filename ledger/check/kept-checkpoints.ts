/** Holds the checkpoints that the store keeps, and their cosignatures, against what they say themselves; their roots are `checkLog`'s matter. */

import { nodeHost } from "../../host/crypto-host.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import type { LogTrust } from "../../manifests/log/checkpoint.ts";
import { byLog } from "../../manifests/log/checkpoint.ts";
import { checkNote, readNote, readSignatureLines, withSignatures } from "../../manifests/log/note.ts";
import { readVerifierKey } from "../../manifests/log/verifier-key.ts";
import type { Sql } from "../store/database.ts";
import type { ShownRoot } from "./check-log.ts";
import type { Findings } from "./findings.ts";
import { rootShown } from "./shown-checkpoint.ts";

interface Row {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: Uint8Array;
}

const rowsAtOnce = 256;

/** What each shows. `trust`: the log's key must have signed it; cosignatures stand in rows of their own. */
export async function keptCheckpoints(
  sql: Sql,
  origin: string,
  trust: LogTrust | undefined,
  findings: Findings,
): Promise<readonly ShownRoot[]> {
  const logAlone = trust && byLog(trust.log);
  const shown: ShownRoot[] = [];
  for (let after = -1; ; ) {
    const rows = await sql.all<Row>(
      `SELECT size, root, note FROM checkpoints WHERE size > ? ORDER BY size LIMIT ${rowsAtOnce}`,
      after,
    );
    for (const { note, root, size } of rows) {
      const where = `checkpoint of ${size}`;
      const [own] = await rootShown(origin, { where, note }, logAlone, findings);
      if (!own) continue;
      findings.check(own.size === size && equal(own.root, root), where, "it is kept under another size or root");
      shown.push(own);
      await checkCosignatures(sql, size, note, findings);
    }
    const last = rows.at(-1);
    if (last === undefined) return shown;
    after = last.size;
  }
}

/** Each under the key that its row names. */
async function checkCosignatures(sql: Sql, size: number, bytes: Uint8Array, findings: Findings): Promise<void> {
  const rows = await sql.all<{ witness: string; line: string }>(
    "SELECT witness, line FROM cosignatures WHERE size = ? ORDER BY witness",
    size,
  );
  const note = readNote(bytes);
  for (const { line, witness } of rows) {
    const where = `cosignature of checkpoint ${size} by ${witness}`;
    await findings.attempt(where, async () => {
      const key = await readVerifierKey(nodeHost, witness, "cosignature/v1");
      const [signer] = await checkNote(nodeHost, withSignatures(note, readSignatureLines(line)), [key]);
      findings.check(signer !== undefined, where, "it is not by that key");
    });
  }
}
