import { afterAll, beforeAll, expect, it } from "vitest";
import { keepBytes } from "../../../ledger/boxes/evidence.ts";
import { oneLine } from "../../../ledger/boxes/one-line.ts";
import type { Sql } from "../../../ledger/store/database.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { listLine } from "../../../manifests/records/documents-list.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import { bundleAt, layBundle, type Stick } from "../../bundle/chain.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { tamper } from "../tampering.ts";

const count = 12_000;
const name = (index: number) => `${"contract-".repeat(5 + (index % 3))}${index}.pdf`;
const lines = Array.from({ length: count }, (_, at) => {
  const digest = "ab".repeat(32);
  const index = at + 1;
  return listLine({
    digest,
    index,
    name: name(index),
    seal: sealPath(index, name(index)),
    sealDigest: digest,
    size: at,
  });
});
const list = concat(lines);
const pieces = Math.ceil(list.length / (1 << 20));

let box: TestLedger;
let manifest: number;
beforeAll(async () => {
  const bundle = await bundleAt({ number: 1 });
  box = await testLedger();
  await box.enrol(bundle.genesis);
  const stick: Stick = new Map();
  layBundle(stick, "coldseal/outbox/batch", bundle);
  await box.ingest(stick);
  const { db } = box.ledger;
  manifest = (await db.reading((sql) => sql.get<{ manifest: number }>("SELECT manifest FROM box_manifests")))
    ?.manifest as number;
  await lay(list);
});
afterAll(() => box.end());

/** Puts another list in the place of the manifest's. */
async function lay(bytes: Uint8Array): Promise<void> {
  const file = await box.ledger.db.writing((sql) => keepBytes(sql, bytes));
  tamper(box, "UPDATE manifest_files SET file = ? WHERE path = 'documents.jsonl'", file);
}

/** How many rows were asked for. */
function counted(sql: Sql): { readonly sql: Sql; rows: number } {
  const counting = {
    rows: 0,
    sql: {
      ...{ run: sql.run.bind(sql), all: sql.all.bind(sql), insert: sql.insert.bind(sql) },
      get: <Row>(text: string, ...cells: Parameters<Sql["all"]>[1][]) => {
        counting.rows += 1;
        return sql.get<Row>(text, ...cells);
      },
    },
  };
  return counting;
}

it("gives each line of a list of several pieces, also where one stands in two", async () => {
  expect(pieces).toBeGreaterThan(3);
  // Those around where a piece ends.
  const ends: number[] = [];
  for (let at = 0, length = 0; at < count; at++) {
    const before = length >> 20;
    length += lines[at]?.length ?? 0;
    if (length >> 20 > before) ends.push(at + 1);
  }
  const around = ends.flatMap((index) => [index - 1, index, index + 1]);
  const asked = [1, 2, 5000, count - 1, count, ...around];
  await box.ledger.db.reading(async (sql) => {
    for (const index of asked) expect(await oneLine(sql, manifest, index)).toMatchObject({ index, name: name(index) });
    expect(await oneLine(sql, manifest, count + 1)).toBeUndefined();
  });
});

it("reads few of its pieces, and others get their turn meanwhile", async () => {
  let turns = 0;
  let handle = setImmediate(function again() {
    turns += 1;
    handle = setImmediate(again);
  });
  const rows = await box.ledger.db.reading(async (sql) => {
    const counting = counted(sql);
    await oneLine(counting.sql, manifest, count);
    return counting.rows;
  });
  clearImmediate(handle);
  expect(rows).toBeLessThanOrEqual(3 + Math.ceil(Math.log2(pieces)) + 1);
  expect(turns).toBeGreaterThanOrEqual(2);
});

it("STORE: a line that is not the one of its place is refused, and so is a list that is not there", async () => {
  await lay(concat([...lines.slice(0, 10), ...lines.slice(11, 20)]));
  const ask = (index: number) => box.ledger.db.reading((sql) => oneLine(sql, manifest, index));
  expect(await ask(10)).toMatchObject({ index: 10 });
  await expect(ask(11)).rejects.toMatchObject({ code: "STORE" });
  await lay(utf8("no list\n"));
  await expect(ask(1)).rejects.toMatchObject({ code: "JSON" });
  tamper(box, "DELETE FROM manifest_files WHERE path = 'documents.jsonl'");
  await expect(ask(1)).rejects.toMatchObject({ code: "STORE" });
});
