/** Whatever is changed of checkpoints, cosignatures and acknowledgements in the store is found by `coldseal ledger verify`. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { provenConsistency } from "../../../ledger/log/proofs.ts";
import { recordsFrom } from "../a-ledger.ts";
import { aLog, type TestLog } from "../checkpoints/a-log.ts";
import { tamper } from "../tampering.ts";

let log: TestLog;
beforeAll(async () => {
  log = await aLog();
  const settings = { cosignatures: 1, witnesses: [await log.witness("witness.example/1")] };
  for (const size of [0, 5]) {
    await log.ledger.add(recordsFrom(size, 5));
    await log.bringOut(settings);
  }
  expect(await log.ledger.db.reading((sql) => provenConsistency(sql, 5, 10))).not.toEqual([]);
});
afterAll(() => log.end());

const trust = () => ({ log: log.log, witnesses: [], cosignatures: 0 });
const found = async () =>
  (await checkLedger(log.ledger, log.places, { trust: trust() })).findings.map(({ where }) => where);

/** Changes a row, looks, and puts it back. */
async function changed(change: string, back: string): Promise<readonly string[]> {
  log.ledger.close();
  tamper(log.ledger, change);
  log.ledger = await log.ledger.reopened();
  const where = await found();
  log.ledger.close();
  tamper(log.ledger, back);
  log.ledger = await log.ledger.reopened();
  expect(await found()).toEqual([]);
  return where;
}

describe("LOG-RECORD: what is kept of checkpoints", () => {
  it("is what it was where nobody touched it", async () => {
    expect(await found()).toEqual([]);
  });

  it.each([
    [
      "a root",
      "UPDATE checkpoints SET root = zeroblob(32) WHERE size = 5",
      "UPDATE checkpoints SET root = x'ROOT5' WHERE size = 5",
      "checkpoint of 5",
    ],
    [
      "a note",
      "UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), '=', 'A') AS BLOB) WHERE size = 5",
      "UPDATE checkpoints SET note = x'NOTE5' WHERE size = 5",
      "checkpoint of 5",
    ],
    [
      "another size's note",
      "UPDATE checkpoints SET note = x'NOTE10' WHERE size = 5",
      "UPDATE checkpoints SET note = x'NOTE5' WHERE size = 5",
      "checkpoint of 5",
    ],
    [
      "a cosignature",
      "UPDATE cosignatures SET line = (SELECT line FROM cosignatures WHERE size = 10) WHERE size = 5",
      "UPDATE cosignatures SET line = 'LINE5' WHERE size = 5",
      "cosignature of checkpoint 5",
    ],
  ])("is found where %s was changed", async (_, change, back, where) => {
    const filled = await withValues(change);
    expect(await changed(filled, await withValues(back))).toContainEqual(expect.stringMatching(`^${where}`));
  });
});

/** Fills in what the rows hold now. */
async function withValues(statement: string): Promise<string> {
  const rows = await log.ledger.db.reading((sql) =>
    sql.all<{ size: number; root: Uint8Array; note: Uint8Array; line: string }>(
      "SELECT c.size, c.root, c.note, s.line FROM checkpoints c JOIN cosignatures s ON s.size = c.size ORDER BY c.size DESC",
    ),
  );
  let text = statement;
  for (const { line, note, root, size } of rows) {
    text = text.replace(`ROOT${size}`, root.toHex()).replace(`NOTE${size}`, note.toHex()).replace(`LINE${size}`, line);
  }
  return text;
}
