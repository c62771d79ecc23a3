/** A backup that was made before a checkpoint was signed knows nothing of it: what the places that are left show of its own tree is noted again. */

import { nodeHost } from "../../host/crypto-host.ts";
import { byLog, checkCheckpoint } from "../../manifests/log/checkpoint.ts";
import { noteBytes } from "../../manifests/log/note.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { notePublication } from "../checkpoints/published.ts";
import { keepCheckpoint } from "../checkpoints/signed.ts";
import { checkpointFile, type Place } from "../publish/place.ts";
import type { Database } from "../store/database.ts";

/** Of each place, which shows a tree that the store's grew out of: its checkpoint is kept, as the log signed it, and it is noted that it was published there. Refuses LOG-NOTE, STORE. */
export async function adoptCheckpoints(db: Database, places: readonly Place[], log: VerifierKey): Promise<void> {
  for (const place of places) {
    const bytes = await place.read(checkpointFile);
    if (!bytes) continue;
    const { note, root, size } = await checkCheckpoint(nodeHost, bytes, byLog(log));
    const own = note.signatures.filter(({ id, name }) => name === log.name && id === log.id);
    const signed = noteBytes({ text: note.text, signatures: own });
    await db.writing(async (sql) => {
      await keepCheckpoint(sql, { note: signed, root, size });
      await notePublication(sql, size, place.name);
    });
  }
}
