/** The fourth step: the cosigned checkpoint is published in every place, tiles before it. A place that is down delays what needs all of them, and nothing else. */

import { utcOf } from "../../manifests/encoding/shape.ts";
import { asRefusal, inOneLine } from "../../manifests/refusal.ts";
import type { Ledger } from "../ledger-folder.ts";
import type { AppendOnly, Place } from "../publish/place.ts";
import { publish } from "../publish/publish.ts";
import type { Sql } from "../store/database.ts";
import type { Signed } from "./signed.ts";

export interface PlaceFinding {
  readonly place: string;
  readonly published: boolean;
  /** false: the place had this checkpoint already, and none of its files was looked at; or it is not published */
  readonly changed: boolean;
  /** why not, else null */
  readonly why: string | null;
  readonly appendOnly: AppendOnly;
}

/** Refuses STORE of the ledger's own; a place that cannot be used, or shows something else, is a finding. */
export async function publishedCheckpoint(
  ledger: Pick<Ledger, "db" | "origin">,
  places: readonly Place[],
  { note, size }: Signed,
): Promise<readonly PlaceFinding[]> {
  const findings: PlaceFinding[] = [];
  for (const place of places) {
    try {
      const { appendOnly, changed } = await publish(ledger, place, note);
      await ledger.db.writing((sql) => notePublication(sql, size, place.name));
      findings.push({ place: place.name, published: true, changed, why: null, appendOnly });
    } catch (fault) {
      const why = inOneLine(asRefusal(fault, "STORE", (fault as Error).message).toRecord());
      findings.push({ place: place.name, published: false, changed: false, why, appendOnly: "not asked for" });
    }
  }
  return findings;
}

/** Notes that a checkpoint stands in a place since now, where that is not known yet. Refuses STORE. */
export function notePublication(sql: Sql, size: number, place: string): Promise<number> {
  return sql.run(
    "INSERT INTO publications (size, place, published) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ...[size, place, utcOf(Date.now())],
  );
}
