/** A ledger opened to be asked something, and how an answer is given. */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { openLedger } from "../ledger-folder.ts";
import type { Sql } from "../store/database.ts";

/** What was asked, at one moment of the store. */
export async function asked<T>(folder: string, ask: (sql: Sql, now: Utc) => Promise<T>): Promise<T> {
  const ledger = await openLedger(folder);
  try {
    return await ledger.db.reading((sql) => ask(sql, utcOf(Date.now())));
  } finally {
    ledger.close();
  }
}

export function give(json: boolean | undefined, answer: unknown, lines: () => readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(answer)}\n` : `${lines().join("\n")}\n`);
}
