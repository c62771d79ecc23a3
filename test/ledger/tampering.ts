/** Changes a ledger's store as somebody does who has the file: past the triggers, and leaving no trace in the schema. */

import { join } from "node:path";
import Sqlite from "better-sqlite3";

export function tamper(
  ledger: { readonly folder: string },
  statement: string,
  ...cells: (string | number | Uint8Array)[]
): void {
  const db = new Sqlite(join(ledger.folder, "store.sqlite"));
  try {
    db.pragma("foreign_keys = OFF");
    const triggers = db
      .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
      .all();
    db.transaction(() => {
      for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
      const { changes } = db.prepare(statement).run(...cells);
      if (changes === 0) throw new Error(`nothing was changed by: ${statement}`);
      for (const { sql } of triggers) db.exec(sql);
    })();
  } finally {
    db.close();
  }
}
