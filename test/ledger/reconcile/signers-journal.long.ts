/** The journal of a real signer, read as its reconciliation does: what it counts is what the token signed, also where a crash came between. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { readSignerJournal } from "../../../ledger/reconcile/signer-journal.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { listOf, makeBatch } from "../../appliance/signer/people.ts";
import { filesOf, manifestIn, TestBox } from "../../appliance/signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

/** Rows one a line, as the signer gives them. */
async function lines(): Promise<Uint8Array> {
  const { body } = await box.call("journal", { from: 1, limit: 1_000_000 });
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body ?? []) pieces.push(piece);
  return concat(pieces);
}

it("LEDGER-ANSWER: each number's seals, between which the token's own count lies; and the rows that manifests name", async () => {
  const whole = await makeBatch(listOf(5, "a"), { batch: "whole" });
  await box.authorised(whole);
  await box.seal(whole);
  const crashed = await makeBatch(listOf(150, "b"), { batch: "crashed" });
  await box.authorised(crashed);
  let left = 2;
  box.hsm.onMoment = (moment) => {
    if (moment !== "after-sign" || --left > 0) return;
    box.kill();
    throw new Error("killed");
  };
  await expect(box.seal(crashed)).rejects.toThrow();
  box.hsm.onMoment = () => undefined;
  await box.open();
  expect(readSignerJournal(await lines()).counts.get(2)).toMatchObject({ outcome: "under way" });
  await box.unlock();
  await box.seal(crashed);
  const bytes = await lines();
  const journal = readSignerJournal(bytes);
  const counts = [...journal.counts.values()];
  expect(counts).toMatchObject([
    { number: 1, sealed: 5, most: 5, outcome: "sealed" },
    { number: 2, sealed: 150, outcome: "sealed" },
  ]);
  const signed = box.hsm.sealed.length;
  expect(signed).toBeGreaterThan(155);
  expect(counts.reduce((sum, { most }) => sum + most, 0)).toBeGreaterThanOrEqual(signed);
  for (const number of [1, 2]) {
    const { head, sequence } = manifestIn(await filesOf(box, number)).journal;
    expect(journal.digests.get(sequence)).toBe(head);
  }
  const rows = new TextDecoder().decode(bytes).trim().split("\n");
  const printed = utf8(JSON.stringify({ rows: rows.map((row) => JSON.parse(row)) }));
  expect(readSignerJournal(printed).counts).toEqual(journal.counts);
});
