/**
 * How far the log was brought out, as rows say it: signed, published, acknowledged. A step that is done stays done, so that what shows a later one than its rows is missing rows,
 * and a place that shows an earlier one was put back.
 */

import type { Sql } from "../store/database.ts";
import type { Findings } from "./findings.ts";

/** A publishing that was killed behind its last step leaves this to the next. */
const interrupted = "where a publishing was interrupted, the same again notes it";

export interface ShownInPlace {
  /** of the place */
  readonly name: string;
  /** of the checkpoint there; undefined: there is none */
  readonly size: number | undefined;
}

/** What a place shows against what was published there. `signs`: the ledger has keys, and so keeps what it publishes. */
export async function checkPublished(
  sql: Sql,
  { name, size }: ShownInPlace,
  signs: boolean,
  findings: Findings,
): Promise<void> {
  const where = `${name}/checkpoint`;
  const newest = await sql.get<{ size: number | null }>(
    "SELECT max(size) AS size FROM publications WHERE place = ?",
    name,
  );
  const published = newest?.size ?? 0;
  if (size === undefined) {
    findings.check(published === 0, where, `missing: one of ${published} entries was published here`);
    return;
  }
  findings.check(
    size >= published,
    where,
    `of ${size} entries, where one of ${published} was published here: it was put back`,
  );
  if (!signs) return;
  const kept = await sql.get("SELECT size FROM checkpoints WHERE size = ?", size);
  findings.check(kept !== undefined, where, `of ${size} entries: no such checkpoint is kept`);
  const noted = await sql.get("SELECT size FROM publications WHERE size = ?", size);
  findings.check(
    noted !== undefined,
    where,
    `of ${size} entries: it is not noted that it was published (${interrupted})`,
  );
}

/** Rows that a later step rests on, and the numbers of acknowledgements, which begin at 1 and leave none out. */
export async function checkSteps(sql: Sql, findings: Findings): Promise<void> {
  for (const table of ["cosignatures", "publications", "acknowledgements"]) {
    const rows = await sql.all<{ size: number }>(
      `SELECT DISTINCT t.size FROM ${table} t WHERE NOT EXISTS (SELECT 1 FROM checkpoints c WHERE c.size = t.size) ORDER BY t.size`,
    );
    for (const { size } of rows) findings.add(table, `name a checkpoint of ${size} entries, which is not kept`);
  }
  const row = await sql.get<{ n: number; highest: number | null }>(
    "SELECT count(*) AS n, max(acknowledgement) AS highest FROM acknowledgements",
  );
  const { highest, n } = { highest: row?.highest ?? 0, n: row?.n ?? 0 };
  findings.check(n === highest, "acknowledgements", `${n} are here where the last has number ${highest}`);
}
