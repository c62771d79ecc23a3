/** What a store says of its own schema. */

import type { Table } from "./table.ts";

export const storeTables: readonly Table[] = [
  {
    // A row for the version that it was made with, and for each that it was brought up to; the highest is its own. Version 1 had no such table.
    name: "schema_versions",
    columns: ({ integer, text }) => `version ${integer} PRIMARY KEY CHECK (version > 1), since ${text} NOT NULL`,
    rows: "kept",
    since: 2,
  },
];
