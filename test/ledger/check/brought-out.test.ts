/** `coldseal ledger verify` on a ledger that signed and published: what a place shows, and what rows say was done, must be the same. */

import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { recordsFrom } from "../a-ledger.ts";
import { aLog, type TestLog } from "../checkpoints/a-log.ts";
import { tamper } from "../tampering.ts";

let log: TestLog;
beforeEach(async () => {
  log = await aLog();
});
afterEach(() => log.end());

async function broughtOut(count: number): Promise<void> {
  const { size } = await log.ledger.db.reading(treeHead);
  await log.ledger.add(recordsFrom(size, count));
  expect((await log.bringOut({ cosignatures: 0, witnesses: [] })).waiting).toBeNull();
}

const place = (at: number) => join(log.places[at]?.name ?? "", "checkpoint");
const found = async () =>
  (await checkLedger(log.ledger, log.places)).findings.map(
    ({ what, where }) => `${where.replace(`${log.dir}/`, "")}: ${what}`,
  );

describe("a log that was brought out", () => {
  it("LOG-RECORD: a place that was put back, or shows nothing any more, is found", async () => {
    await broughtOut(5);
    const former = readFileSync(place(0));
    await broughtOut(4);
    expect(await found()).toEqual([]);
    copyFileSync(place(0), join(log.dir, "newest"));
    writeFileSync(place(0), former);
    expect(await found()).toEqual([
      "place-1/checkpoint: of 5 entries, where one of 9 was published here: it was put back",
    ]);
    rmSync(place(0));
    expect(await found()).toEqual(["place-1/checkpoint: missing: one of 9 entries was published here"]);
    copyFileSync(join(log.dir, "newest"), place(0));
    expect(await found()).toEqual([]);
  });

  it("LOG-RECORD: rows that are gone are found by what rests on them, and by what a place shows", async () => {
    await broughtOut(5);
    tamper(log.ledger, "DELETE FROM publications");
    const unnoted = (at: number) => expect.stringMatching(`^place-${at}/checkpoint: of 5 entries: it is not noted`);
    expect(await found()).toEqual([unnoted(1), unnoted(2)]);
    tamper(log.ledger, "DELETE FROM checkpoints");
    expect(await found()).toContain("place-2/checkpoint: of 5 entries: no such checkpoint is kept");
  });

  it("LOG-RECORD: checkpoints that are gone are found by what names them", async () => {
    await broughtOut(5);
    tamper(log.ledger, "DELETE FROM checkpoints");
    expect((await found())[0]).toBe("publications: name a checkpoint of 5 entries, which is not kept");
  });

  it("LOG-RECORD: a checkpoint that is not noted is by the same again, after which nothing is found", async () => {
    await broughtOut(5);
    tamper(log.ledger, "DELETE FROM publications");
    expect(await found()).toHaveLength(2);
    await log.bringOut({ cosignatures: 0, witnesses: [] });
    expect(await found()).toEqual([]);
  });
});
