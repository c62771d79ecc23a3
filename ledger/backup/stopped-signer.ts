/** What a restored signer knows of what it signed: the newest checkpoint that the backup has, and that there may be a newer one. */

import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { signerFolder } from "../client/open-signer.ts";
import type { Ledger } from "../ledger-folder.ts";
import { headsPlace, writeHeadsPlace } from "../signed-heads/heads-place.ts";
import { makeSignedHeads, openSignedHeads } from "../signed-heads/signed-heads.ts";
import type { BackupRecord } from "./backup-record.ts";

/** Makes the state beside the restored keys; it signs nothing before a person moves it forward. Durable on return. Refuses STORE. */
export async function stoppedSigner(
  { db, folder: ledger, origin }: Pick<Ledger, "db" | "folder" | "origin">,
  log: VerifierKey,
  { made }: BackupRecord,
  counter: string | undefined,
): Promise<void> {
  const folder = signerFolder(ledger);
  if (counter !== undefined) await writeHeadsPlace(folder, counter);
  const place = headsPlace(folder);
  await makeSignedHeads(place);
  const heads = await openSignedHeads(place, [log.name]);
  try {
    const newest = await db.reading((sql) =>
      sql.get<{ size: number; root: Uint8Array }>("SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1"),
    );
    if (newest) await heads.forward(origin, newest);
    await heads.stop(origin, `it was restored from a backup of ${made}: what was signed since is not known here`);
  } finally {
    heads.close();
  }
}
