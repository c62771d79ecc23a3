/** Acknowledgements that were made for a box: the next leads on from each of them, as the box may stand at any. */

import type { Table } from "../store/table.ts";

export const acknowledgementTables: readonly Table[] = [
  {
    // `size`: of the checkpoint; `reported`: the number from which on it names manifests; `file`: ack.p7m, in evidence.
    name: "acknowledgements",
    columns: ({
      blob,
      integer,
      text,
    }) => `acknowledgement ${integer} PRIMARY KEY, box ${integer} NOT NULL REFERENCES boxes (box),
      number ${integer} NOT NULL, size ${integer} NOT NULL REFERENCES checkpoints (size), reported ${integer} NOT NULL,
      file ${blob} NOT NULL, made ${text} NOT NULL`,
    rows: "kept",
    indexes: [["box", "size"]],
  },
];
