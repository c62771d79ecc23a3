/** The store of a ledger as the first Coldseal with one made it, from the dump in test/vectors. */

import { readFileSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { applicationId } from "../../ledger/store/sqlite-version.ts";

const dump = new URL("../vectors/ledger/store-1.sql", import.meta.url);

export function oldStore(path: string): void {
  const db = new Sqlite(path);
  db.pragma("foreign_keys = OFF");
  db.pragma("page_size = 16384");
  db.exec(readFileSync(dump, "utf8"));
  db.pragma(`application_id = ${applicationId}`);
  db.pragma("journal_mode = WAL");
  db.close();
}
