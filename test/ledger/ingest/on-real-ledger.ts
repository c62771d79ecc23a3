/** A ledger in a folder of its own, with the test box enrolled, and sticks as folders. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Enrolment, enrol } from "../../../ledger/boxes/enrolled.ts";
import type { Told } from "../../../ledger/ingest/ingest.ts";
import { ingestInto } from "../../../ledger/ingest/ingest-into.ts";
import { createLedger, type Ledger, openLedger } from "../../../ledger/ledger-folder.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";
import type { LogRecord } from "../../../manifests/log/entry.ts";
import type { Stick } from "../../bundle/chain.ts";
import { root } from "../../bundle/people.ts";
import { newStore } from "../store/engine.ts";

export interface TestLedger {
  readonly dir: string;
  readonly folder: string;
  readonly ledger: Ledger;
  enrol(genesis: string, change?: Partial<Enrolment>): Promise<void>;
  /** Writes a stick and gives its path. */
  stick(files: Stick, name?: string): string;
  ingest(...sticks: readonly (Stick | string)[]): Promise<readonly Told[]>;
  /** the log's records in their order */
  records(): Promise<readonly LogRecord[]>;
  end(): void;
}

export async function testLedger(): Promise<TestLedger> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-ingest-"));
  const folder = join(dir, "ledger");
  await createLedger(folder, "ledger.example.org/test", undefined, newStore());
  const ledger = await openLedger(folder);
  let sticks = 0;
  const stick = (files: Stick, name = `stick-${++sticks}`) => {
    for (const [path, bytes] of files) {
      const file = join(dir, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    return join(dir, name);
  };
  return {
    dir,
    folder,
    ledger,
    stick,
    enrol: async (genesis, change = {}) => {
      const { certificate } = root;
      const usual = {
        genesis,
        arc: documentationArc,
        roots: [certificate],
        authorities: [],
        keepers: [],
        gapHours: 72,
      };
      await ledger.db.writing((sql) => enrol(sql, { ...usual, ...change }, "2026-11-22T08:00:00Z"));
    },
    ingest: (...given) =>
      ingestInto(
        ledger,
        given.map((one) => (typeof one === "string" ? one : stick(one))),
      ),
    records: () =>
      ledger.db.reading(async (sql) => {
        const rows = await sql.all<{ record: string }>("SELECT record FROM entries ORDER BY idx");
        return rows.map(({ record }) => JSON.parse(record) as LogRecord);
      }),
    end: () => {
      ledger.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Results in short: `chained 1`, `refused CMS-SIGNATURE`. */
export function inShort(told: readonly Told[]): readonly string[] {
  return told.map(({ result, what }) => {
    const words = what === "manifest" ? [] : [what];
    if (result.kind === "refused") return [...words, "refused", result.refusal.code].join(" ");
    return [...words, result.kind, ...("number" in result ? [result.number] : [])].join(" ");
  });
}
