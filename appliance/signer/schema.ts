/**
 * The signer's tables. What was recorded once stays as it is: triggers refuse every UPDATE and DELETE, except of the
 * two rows that count (`pin_tries`, `last_time`) and of parts of a request that was never accepted.
 */

const tables = {
  box: `one INTEGER PRIMARY KEY CHECK (one = 1), appliance TEXT NOT NULL, genesis BLOB NOT NULL CHECK (length(genesis) = 32)`,
  journal: `sequence INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL,
    previous BLOB NOT NULL CHECK (length(previous) = 32), digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)`,
  policies: `number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, p7m BLOB NOT NULL`,
  requests: `id INTEGER PRIMARY KEY, batch_digest BLOB NOT NULL, submitter_key BLOB NOT NULL, identity BLOB NOT NULL,
    head TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL, file_digest BLOB NOT NULL,
    submitter_name TEXT NOT NULL, submitter_certificate BLOB NOT NULL, folder TEXT NOT NULL, reported TEXT NOT NULL,
    submitted TEXT NOT NULL, round INTEGER NOT NULL, UNIQUE (batch_digest, submitter_key, file_digest, round)`,
  request_parts: `request INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (request, part)`,
  documents: `request INTEGER NOT NULL, idx INTEGER NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (request, idx)`,
  envelopes: `request INTEGER NOT NULL, idx INTEGER NOT NULL, file TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (request, idx)`,
  challenges: `id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES requests (id), nonce BLOB NOT NULL UNIQUE,
    policy_digest BLOB NOT NULL, content BLOB NOT NULL, expires TEXT NOT NULL, earlier INTEGER NOT NULL`,
  authorizations: `challenge INTEGER PRIMARY KEY REFERENCES challenges (id), p7m BLOB NOT NULL, approvers TEXT NOT NULL,
    received TEXT NOT NULL`,
  endings: `request INTEGER PRIMARY KEY REFERENCES requests (id), kind TEXT NOT NULL CHECK (kind IN ('rejection', 'abort')),
    p7m BLOB NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, time TEXT NOT NULL`,
  reservations: `number INTEGER PRIMARY KEY, request INTEGER NOT NULL UNIQUE REFERENCES requests (id),
    challenge INTEGER NOT NULL UNIQUE REFERENCES challenges (id), policy INTEGER NOT NULL REFERENCES policies (number),
    suite TEXT NOT NULL, audit_suite TEXT NOT NULL, sequence INTEGER NOT NULL UNIQUE REFERENCES journal (sequence), certificates TEXT NOT NULL,
    emergency BLOB REFERENCES orders (digest)`,
  renewals: `id INTEGER PRIMARY KEY, number INTEGER NOT NULL REFERENCES reservations (number), idx INTEGER NOT NULL,
    audit_suite TEXT NOT NULL, certificates TEXT NOT NULL`,
  attempts: `number INTEGER NOT NULL REFERENCES reservations (number), attempt INTEGER NOT NULL, network TEXT NOT NULL,
    PRIMARY KEY (number, attempt)`,
  intents: `number INTEGER NOT NULL REFERENCES reservations (number), idx INTEGER NOT NULL, time TEXT NOT NULL,
    attributes BLOB NOT NULL, PRIMARY KEY (number, idx)`,
  signatures: `number INTEGER NOT NULL, idx INTEGER NOT NULL, signer_info BLOB NOT NULL, seal_digest BLOB NOT NULL,
    PRIMARY KEY (number, idx), FOREIGN KEY (number, idx) REFERENCES intents (number, idx)`,
  time_intents: `number INTEGER PRIMARY KEY REFERENCES reservations (number), suite TEXT NOT NULL, certificates TEXT NOT NULL,
    info BLOB NOT NULL UNIQUE, attributes BLOB NOT NULL UNIQUE`,
  time_stamps: `number INTEGER PRIMARY KEY REFERENCES time_intents (number), token BLOB NOT NULL UNIQUE`,
  manifests: `number INTEGER PRIMARY KEY REFERENCES reservations (number), outcome TEXT NOT NULL CHECK (outcome IN ('sealed', 'aborted')),
    content_digest BLOB NOT NULL UNIQUE, p7m BLOB NOT NULL`,
  measurement_logs: `digest BLOB PRIMARY KEY CHECK (length(digest) = 32), bytes BLOB NOT NULL`,
  register: `number INTEGER PRIMARY KEY REFERENCES manifests (number), identity BLOB NOT NULL`,
  revocation_data: `id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    kind TEXT NOT NULL CHECK (kind IN ('crl', 'ocsp')), subjects TEXT NOT NULL, this_update TEXT NOT NULL, bytes BLOB NOT NULL`,
  orders: `number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32), p7m BLOB NOT NULL, time TEXT NOT NULL`,
  statements: `number INTEGER PRIMARY KEY REFERENCES orders (number), digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    p7m BLOB NOT NULL`,
  anchors: `number INTEGER PRIMARY KEY, der BLOB NOT NULL, time TEXT NOT NULL`,
  acknowledgements: `id INTEGER PRIMARY KEY, file BLOB NOT NULL UNIQUE CHECK (length(file) = 32), origin TEXT NOT NULL,
    number INTEGER NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL CHECK (length(root) = 32), p7m BLOB NOT NULL`,
  closings: `number INTEGER PRIMARY KEY REFERENCES orders (number), digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    p7m BLOB NOT NULL`,
  recovered: `number INTEGER PRIMARY KEY, identity BLOB NOT NULL, outcome TEXT NOT NULL CHECK (outcome IN ('sealed', 'aborted')),
    content_digest BLOB NOT NULL UNIQUE, whole INTEGER NOT NULL CHECK (whole IN (0, 1)), emergency BLOB`,
  recovered_files: `number INTEGER NOT NULL REFERENCES recovered (number), path TEXT NOT NULL, position INTEGER NOT NULL,
    bytes BLOB NOT NULL, PRIMARY KEY (number, path)`,
  recovered_documents: `number INTEGER NOT NULL REFERENCES recovered (number), idx INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (number, idx)`,
  releases: `number INTEGER PRIMARY KEY REFERENCES manifests (number), time TEXT NOT NULL`,
  heads: `counter INTEGER PRIMARY KEY, sequence INTEGER NOT NULL REFERENCES journal (sequence), digest BLOB NOT NULL`,
  pin_tries: `one INTEGER PRIMARY KEY CHECK (one = 1), failures INTEGER NOT NULL, wait_until TEXT`,
  last_time: `one INTEGER PRIMARY KEY CHECK (one = 1), time TEXT NOT NULL`,
} as const;

type Table = keyof typeof tables;

/** Their rows are counted up; nothing else may change. */
const counting: readonly Table[] = ["pin_tries", "last_time"];
/** Written before the request they belong to is accepted; deleted again when it is refused. */
const staged: readonly Table[] = ["request_parts", "documents", "envelopes"];
/** Looked up by (request or number, index) only: stored in that order. */
const withoutRowid: readonly Table[] = ["documents", "intents", "recovered_documents", "signatures"];

/** What stores of earlier versions do not have: by table, with its triggers. `store.ts` adds each that is missing as a whole. */
export const additions: readonly (readonly string[])[] = (["acknowledgements"] as const).map((table) => [
  creation(table),
  ...triggers(table),
]);

/** Every statement that makes the store, in order; `store.ts` compares them with what a file holds. */
export const schema: readonly string[] = [
  ...(Object.keys(tables) as Table[]).map(creation),
  "CREATE INDEX journal_by_kind ON journal (kind, sequence)",
  "CREATE INDEX documents_by_digest ON documents (digest)",
  "CREATE INDEX recovered_by_identity ON recovered (identity)",
  "CREATE INDEX recovered_documents_by_digest ON recovered_documents (digest)",
  "CREATE INDEX register_by_identity ON register (identity)",
  "CREATE INDEX challenges_by_request ON challenges (request)",
  ...(Object.keys(tables) as Table[]).flatMap(triggers),
];

function creation(table: Table): string {
  const options = withoutRowid.includes(table) ? "STRICT, WITHOUT ROWID" : "STRICT";
  return `CREATE TABLE ${table} (${tables[table]}) ${options}`;
}

function triggers(table: Table): string[] {
  const refuse = `SELECT RAISE(ABORT, '${table} is kept as it is')`;
  if (counting.includes(table)) {
    return [`CREATE TRIGGER ${table}_stays BEFORE DELETE ON ${table} BEGIN ${refuse}; END`];
  }
  const accepted = staged.includes(table) ? "WHEN EXISTS (SELECT 1 FROM requests WHERE id = OLD.request) " : "";
  return [
    `CREATE TRIGGER ${table}_unchanged BEFORE UPDATE ON ${table} BEGIN ${refuse}; END`,
    `CREATE TRIGGER ${table}_kept BEFORE DELETE ON ${table} ${accepted}BEGIN ${refuse}; END`,
  ];
}
