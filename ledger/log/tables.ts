/** The log's tables: what was appended, the tiles of its tree (C2SP tlog-tiles), and the one row that says where the tree stands. */

import type { Table } from "../store/table.ts";

export const logTables: readonly Table[] = [
  {
    // `content` is the digest of the record without salt: the same record is appended once.
    name: "entries",
    columns: ({ blob, integer, text }) => `idx ${integer} PRIMARY KEY CHECK (idx >= 0), type ${text} NOT NULL,
      salt ${blob} NOT NULL CHECK (length(salt) = 32), content ${blob} NOT NULL UNIQUE CHECK (length(content) = 32), record ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // A tile that grew is a row more, with another width: none is changed.
    name: "tiles",
    columns: ({
      blob,
      integer,
    }) => `level ${integer} NOT NULL CHECK (level >= 0), idx ${integer} NOT NULL CHECK (idx >= 0),
      width ${integer} NOT NULL CHECK (width > 0 AND width <= 256), hashes ${blob} NOT NULL CHECK (length(hashes) = 32 * width),
      PRIMARY KEY (level, idx, width)`,
    rows: "kept",
  },
  {
    // `epoch` counts the processes that appended here, one after another: an earlier one is refused.
    name: "tree_head",
    columns: ({ blob, integer, text }) => `one ${integer} PRIMARY KEY CHECK (one = 1), origin ${text} NOT NULL,
      size ${integer} NOT NULL CHECK (size >= 0), root ${blob} NOT NULL CHECK (length(root) = 32), epoch ${integer} NOT NULL CHECK (epoch >= 0)`,
    rows: "state",
  },
];
