/**
 * What the ledger knows of boxes: who is enrolled, every manifest that held by itself, where it stands in its box's chain, and the files that show it. All of it is
 * kept: how a thing stands now is what its rows say together.
 */

import type { Table } from "../store/table.ts";

export const boxTables: readonly Table[] = [
  {
    // `gap_hours`: how long a number may be missing before that alarms.
    name: "boxes",
    columns: ({
      integer,
      text,
    }) => `box ${integer} PRIMARY KEY, genesis ${text} NOT NULL UNIQUE CHECK (length(genesis) = 64),
      arc ${text} NOT NULL, gap_hours ${integer} NOT NULL CHECK (gap_hours >= 0), enrolled ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // Purposes: root (of the box's certificates), tsa (root of a time-stamp authority), keeper (who may sign decisions).
    name: "box_certificates",
    columns: ({ blob, integer, text }) => `box ${integer} NOT NULL REFERENCES boxes (box), purpose ${text} NOT NULL,
      position ${integer} NOT NULL, der ${blob} NOT NULL, PRIMARY KEY (box, purpose, position)`,
    rows: "kept",
  },
  {
    // A file in pieces of at most 1 MiB, by the SHA-256 of the whole; all its pieces come in one transaction.
    name: "evidence",
    columns: ({ blob, integer }) => `file ${blob} NOT NULL CHECK (length(file) = 32), piece ${integer} NOT NULL,
      bytes ${blob} NOT NULL, PRIMARY KEY (file, piece)`,
    rows: "kept",
  },
  {
    // `digest`: of the content, which other signatures do not change.
    name: "box_policies",
    columns: ({ blob, integer, text }) => `box ${integer} NOT NULL REFERENCES boxes (box), digest ${blob} NOT NULL,
      number ${integer} NOT NULL, appliance ${text} NOT NULL, audit_key ${blob} NOT NULL, file ${blob} NOT NULL, PRIMARY KEY (box, digest)`,
    rows: "kept",
  },
  {
    // `audit_key` and `sealing_key`: SHA-256 of the public keys. `content` is the eContent, as what is asked of it later is asked of it itself.
    name: "box_manifests",
    columns: ({
      blob,
      integer,
      text,
    }) => `manifest ${integer} PRIMARY KEY, box ${integer} NOT NULL REFERENCES boxes (box),
      number ${integer} NOT NULL CHECK (number > 0), digest ${blob} NOT NULL CHECK (length(digest) = 32), previous ${blob} NOT NULL,
      created ${text} NOT NULL, mode ${text} NOT NULL, outcome ${text} NOT NULL, documents ${integer} NOT NULL, sealed ${integer} NOT NULL,
      policy ${blob} NOT NULL, policy_number ${integer} NOT NULL, identity ${blob} NOT NULL, nonce ${blob} NOT NULL, sealing_key ${blob} NOT NULL,
      emergency ${blob}, content ${blob} NOT NULL, arrived ${text} NOT NULL, UNIQUE (box, digest)`,
    rows: "kept",
    indexes: [
      ["box", "number"],
      ["box", "identity"],
      ["box", "nonce"],
      ["box", "sealing_key"],
      ["box", "policy_number"],
    ],
  },
  {
    name: "manifest_files",
    columns: ({
      blob,
      integer,
      text,
    }) => `manifest ${integer} NOT NULL REFERENCES box_manifests (manifest), path ${text} NOT NULL,
      file ${blob} NOT NULL, PRIMARY KEY (manifest, path)`,
    rows: "kept",
    byKey: true,
  },
  {
    // What `find` looks in: the lines of documents.jsonl by the digest of the document.
    name: "box_documents",
    columns: ({
      blob,
      integer,
    }) => `manifest ${integer} NOT NULL REFERENCES box_manifests (manifest), idx ${integer} NOT NULL,
      digest ${blob} NOT NULL, PRIMARY KEY (manifest, idx)`,
    rows: "kept",
    indexes: [["digest"]],
    byKey: true,
  },
  {
    name: "box_seals",
    columns: ({
      blob,
      integer,
    }) => `manifest ${integer} NOT NULL REFERENCES box_manifests (manifest), idx ${integer} NOT NULL,
      bytes ${blob} NOT NULL, PRIMARY KEY (manifest, idx)`,
    rows: "kept",
  },
  {
    // An outbox brought the whole bundle, and all of its seals hold. Without a row they are known by their digests.
    name: "seals_verified",
    columns: ({ integer, text }) =>
      `manifest ${integer} PRIMARY KEY REFERENCES box_manifests (manifest), arrived ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // `entry`: index in the log of the manifest's entry; that of document n is n higher.
    name: "chain_links",
    columns: ({
      integer,
      text,
    }) => `link ${integer} PRIMARY KEY, box ${integer} NOT NULL REFERENCES boxes (box), number ${integer} NOT NULL,
      manifest ${integer} NOT NULL REFERENCES box_manifests (manifest), entry ${integer} NOT NULL, via ${text} NOT NULL, chained ${text} NOT NULL`,
    rows: "kept",
    indexes: [["box", "number"], ["manifest"]],
  },
  {
    name: "disputes",
    columns: ({
      integer,
      text,
    }) => `dispute ${integer} PRIMARY KEY, box ${integer} NOT NULL REFERENCES boxes (box), number ${integer} NOT NULL,
      cause ${text} NOT NULL, finding ${text} NOT NULL, raised ${text} NOT NULL`,
    rows: "kept",
    indexes: [["box", "number"]],
  },
  {
    // `keep`: digest of the manifest that stays; null: none.
    name: "decisions",
    columns: ({
      blob,
      integer,
      text,
    }) => `decision ${integer} PRIMARY KEY, box ${integer} NOT NULL REFERENCES boxes (box), number ${integer} NOT NULL,
      keep ${blob}, digest ${blob} NOT NULL UNIQUE, file ${blob} NOT NULL, reason ${text} NOT NULL, keepers ${text} NOT NULL,
      entry ${integer} NOT NULL, decided ${text} NOT NULL`,
    rows: "kept",
  },
  {
    // `decision` null: what came later explains it.
    name: "settlements",
    columns: ({
      integer,
      text,
    }) => `dispute ${integer} PRIMARY KEY REFERENCES disputes (dispute), decision ${integer} REFERENCES decisions (decision),
      settled ${text} NOT NULL`,
    rows: "kept",
  },
  {
    name: "lost_manifests",
    columns: ({ integer }) =>
      `manifest ${integer} PRIMARY KEY REFERENCES box_manifests (manifest), decision ${integer} NOT NULL REFERENCES decisions (decision)`,
    rows: "kept",
  },
  {
    // By a decision a link counts no more.
    name: "cut_links",
    columns: ({ integer }) =>
      `link ${integer} PRIMARY KEY REFERENCES chain_links (link), decision ${integer} NOT NULL REFERENCES decisions (decision)`,
    rows: "kept",
  },
  {
    // Orders `recover`: `missing` is JSON.
    name: "continuity",
    columns: ({
      blob,
      integer,
      text,
    }) => `box ${integer} NOT NULL REFERENCES boxes (box), digest ${blob} NOT NULL, next ${integer} NOT NULL,
      last ${integer} NOT NULL, missing ${text} NOT NULL, audit_key ${blob} NOT NULL, people ${text} NOT NULL, reason ${text} NOT NULL,
      created ${text} NOT NULL, file ${blob} NOT NULL, arrived ${text} NOT NULL, PRIMARY KEY (box, digest)`,
    rows: "kept",
  },
  {
    // Orders that let a batch be sealed once more (`reseal`).
    name: "reseals",
    columns: ({
      blob,
      integer,
      text,
    }) => `box ${integer} NOT NULL REFERENCES boxes (box), digest ${blob} NOT NULL, file ${blob} NOT NULL,
      arrived ${text} NOT NULL, PRIMARY KEY (box, digest)`,
    rows: "kept",
  },
  {
    // Orders that revoke a key of the box (`revoke-key`).
    name: "revoked_keys",
    columns: ({
      blob,
      integer,
      text,
    }) => `box ${integer} NOT NULL REFERENCES boxes (box), digest ${blob} NOT NULL, file ${blob} NOT NULL,
      arrived ${text} NOT NULL, PRIMARY KEY (box, digest)`,
    rows: "kept",
  },
  {
    // Refusals, closings, transcripts, custody logs. `digest`: of the content.
    name: "box_records",
    columns: ({
      blob,
      integer,
      text,
    }) => `record ${integer} PRIMARY KEY, box ${integer} NOT NULL REFERENCES boxes (box), type ${text} NOT NULL,
      digest ${blob} NOT NULL, file ${blob} NOT NULL, created ${text} NOT NULL, about ${text} NOT NULL, entry ${integer} NOT NULL,
      arrived ${text} NOT NULL, UNIQUE (box, type, digest)`,
    rows: "kept",
  },
];
