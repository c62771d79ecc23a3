/** The newest checkpoint that is published in every place, with the cosignatures that are asked for: what may be acknowledged while a newer one waits. */

import type { Database } from "../store/database.ts";
import { withCosignatures } from "./cosigned.ts";
import type { Signed } from "./signed.ts";
import type { WitnessSettings } from "./witness-settings.ts";

/** Undefined where there is none. */
export async function lastPublished(
  db: Database,
  settings: WitnessSettings,
  places: readonly { readonly name: string }[],
): Promise<Signed | undefined> {
  const marks = places.map(() => "?").join(", ");
  const row = await db.reading((sql) =>
    sql.get<Signed>(
      `SELECT c.size, c.root, c.note FROM checkpoints c
        WHERE (SELECT count(*) FROM publications p WHERE p.size = c.size AND p.place IN (${marks})) = ?
        AND (SELECT count(*) FROM cosignatures s WHERE s.size = c.size) >= ? ORDER BY c.size DESC LIMIT 1`,
      ...places.map(({ name }) => name),
      places.length,
      settings.cosignatures,
    ),
  );
  if (!row) return undefined;
  const { cosigners, note, root, size } = await withCosignatures(db, settings, row);
  return cosigners < settings.cosignatures ? undefined : { note, root, size };
}
