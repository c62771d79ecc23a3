/** Checkpoints as far as they have come: signed, cosigned by this witness, published at that place. A row is a step that is done, for ever. */

import type { Table } from "../store/table.ts";

export const checkpointTables: readonly Table[] = [
  {
    // `note`: as the log signed it.
    name: "checkpoints",
    columns: ({
      blob,
      integer,
      text,
    }) => `size ${integer} PRIMARY KEY CHECK (size > 0), root ${blob} NOT NULL CHECK (length(root) = 32),
      note ${blob} NOT NULL, signed ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // `witness`: its verifier key; `line`: its signature line.
    name: "cosignatures",
    columns: ({ integer, text }) => `size ${integer} NOT NULL REFERENCES checkpoints (size), witness ${text} NOT NULL,
      line ${text} NOT NULL, received ${text} NOT NULL, PRIMARY KEY (size, witness)`,
    rows: "kept",
  },
  {
    name: "publications",
    columns: ({ integer, text }) => `size ${integer} NOT NULL REFERENCES checkpoints (size), place ${text} NOT NULL,
      published ${text} NOT NULL, PRIMARY KEY (size, place)`,
    rows: "kept",
  },
];
