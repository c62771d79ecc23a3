/**
 * `ingest-sqlite`, and `ingest-postgres` with the store on three nodes: a stick with one batch of 10,000 P-256 seals into an empty ledger, in a process that has just opened it, from the first look at the stick to
 * the last commit: authorisation, manifest, every line of documents.jsonl and every seal verified, all of it stored. `raw-insert`: rows of the same size into
 * one table of such a store, on the same nodes, 100 a transaction.
 */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { enrol } from "../../ledger/boxes/enrolled.ts";
import { ingestInto } from "../../ledger/ingest/ingest-into.ts";
import { createLedger, openLedger } from "../../ledger/ledger-folder.ts";
import type { Sql } from "../../ledger/store/database.ts";
import { type PostgresSettings, readPostgresSettings } from "../../ledger/store/postgres-settings.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { startCluster } from "../drills/cluster/start-cluster.ts";
import { serverPrograms } from "../drills/servers/programs.ts";
import { wholeBox } from "../e2e/whole-box.ts";
import { origin } from "../ledger/a-ledger.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase, Figure } from "./case.ts";
import { pinnedBytes, pinnedDocuments } from "./pinned-bytes.ts";
import { peakMiB } from "./process-memory.ts";
import { authorise } from "./sealing.ts";

const count = 10_000;
const rowsAtOnce = 100;

interface Stores {
  /** where the next ledger's store shall be; undefined: in its folder */
  next(): PostgresSettings | undefined;
  end(): Promise<void>;
}

export const ingestSqlite = ingestCase("ingest-sqlite", 5000, async () => ({
  next: () => undefined,
  end: async () => undefined,
}));

export const ingestPostgres = ingestCase("ingest-postgres", 3000, async () => {
  const cluster = await startCluster(await serverPrograms());
  const settings = readPostgresSettings(cluster.settingsFile);
  let made = 0;
  return { next: () => ({ ...settings, schema: `bench_${++made}` }), end: () => cluster.end() };
});

function ingestCase(name: string, value: number, start: () => Promise<Stores>): BenchCase {
  return {
    name,
    unit: "seals/s",
    target: { value },
    async setUp(folder) {
      const whole = await wholeBox({ profile: "ecdsa-p256-sha256" });
      await authorise(whole, await whole.bring("many", pinnedDocuments("many", count, 1024)));
      await timeOf(whole, "many", "released");
      await whole.box.stop();
      const stores = await start();
      const { genesis, pki, stick } = whole.paths;
      let run = 0;
      let rowBytes = 0;
      return {
        limits: {
          "raw-insert": () => rawInsert(join(folder, `raw-${run}`), rowBytes, stores.next()),
        },
        async measure() {
          const ledger = join(folder, `ledger-${++run}`);
          await emptyLedger(ledger, genesis, readCertificateFile(pki.root), stores.next());
          const own = join(import.meta.dirname, "ledger-ingest.ts");
          const said = execFileSync(process.execPath, [own, ledger, stick], { encoding: "utf8" });
          rowBytes = await bytesOfSeal(ledger);
          return JSON.parse(said) as Figure;
        },
        async end() {
          await stores.end();
          await whole.end();
        },
      };
    },
  };
}

async function emptyLedger(
  folder: string,
  genesis: string,
  root: Uint8Array,
  store: PostgresSettings | undefined,
): Promise<void> {
  await createLedger(folder, origin, undefined, store);
  const ledger = await openLedger(folder);
  try {
    const box = { genesis, arc: documentationArc, roots: [root], authorities: [], keepers: [], gapHours: 72 };
    await ledger.db.writing((sql) => enrol(sql, box, utcOf(Date.now())));
  } finally {
    ledger.close();
  }
}

/** Of one seal: itself, its entry in the log, and the row by which its document is found. Holds the store to it that all are there. */
async function bytesOfSeal(folder: string): Promise<number> {
  const ledger = await openLedger(folder);
  try {
    return await ledger.db.reading(async (sql) => {
      const seals = await sum(sql, "SELECT count(*) AS n, sum(length(bytes)) AS bytes FROM box_seals");
      const entries = await sum(
        sql,
        `SELECT count(*) AS n, sum(length(salt) + length(content) + length(record)) AS bytes FROM entries
          WHERE type = 'seal'`,
      );
      const documents = await sum(sql, "SELECT count(*) AS n, sum(length(digest)) AS bytes FROM box_documents");
      return Math.round((seals + entries + documents) / count);
    });
  } finally {
    ledger.close();
  }
}

async function sum(sql: Sql, query: string): Promise<number> {
  const row = await sql.get<{ n: number; bytes: number }>(query);
  if (row?.n !== count) throw new Error(`the store has ${row?.n} rows where ${count} seals came in`);
  return row.bytes;
}

/** Rows a second. */
async function rawInsert(folder: string, bytes: number, store: PostgresSettings | undefined): Promise<number> {
  await createLedger(folder, origin, undefined, store);
  const ledger = await openLedger(folder);
  try {
    const table = store
      ? "(idx BIGINT PRIMARY KEY, bytes BYTEA NOT NULL) WITH (toast_tuple_target = 8160)"
      : "(idx INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT";
    await ledger.db.writing((sql) => sql.run(`CREATE TABLE raw ${table}`));
    const all = pinnedBytes("rows", count + bytes);
    const begun = performance.now();
    for (let from = 0; from < count; from += rowsAtOnce) {
      const rows = Array.from(
        { length: rowsAtOnce },
        (_, at) => [from + at, all.subarray(from + at, from + at + bytes)] as const,
      );
      await ledger.db.writing((sql) => sql.insert("raw", ["idx", "bytes"], rows));
    }
    return count / ((performance.now() - begun) / 1000);
  } finally {
    ledger.close();
  }
}

async function ingested(folder: string, stick: string): Promise<Figure> {
  const ledger = await openLedger(folder);
  try {
    const begun = performance.now();
    const all = await ingestInto(ledger, [stick]);
    const seconds = (performance.now() - begun) / 1000;
    const chained = all.filter(({ result }) => result.kind === "chained" && result.entries === count + 1);
    if (chained.length !== 1) throw new Error(`the batch did not come in: ${JSON.stringify(all)}`);
    return { value: count / seconds, rssMiB: peakMiB([process.pid]) };
  } finally {
    ledger.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, stick] = process.argv.slice(2) as [string, string];
  process.stdout.write(JSON.stringify(await ingested(folder, stick)));
}
