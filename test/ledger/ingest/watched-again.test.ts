/** What a watched ledger refuses for want of something else is taken when that came, from the stick that is still there, and told once. */

import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { stickTaker } from "../../../ledger/commands/watch-ingest.ts";
import { isFinal, type Told } from "../../../ledger/ingest/ingest.ts";
import { watchFolder } from "../../../ledger/ingest/watch.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { Bundle } from "../../bundle/build.ts";
import { auditOf, chainOf, type Stick } from "../../bundle/chain.ts";
import { type TestLedger, testLedger } from "./on-real-ledger.ts";

let bundle: Bundle;
let box: TestLedger;
let dir: string;
let now: number;
let said: string[];
let stop: AbortController;
let ended: Promise<void>;
beforeEach(async () => {
  [bundle] = (await chainOf(1)) as [Bundle];
  box = await testLedger();
  dir = join(box.dir, "watched");
  mkdirSync(dir);
  [now, said, stop] = [0, [], new AbortController()];
});
afterEach(async () => {
  stop.abort();
  await ended;
  box.end();
});

function watch(): void {
  const say = (words: string) => void said.push(words);
  ended = watchFolder({
    dir,
    settle: 2000,
    every: 1,
    again: 60_000,
    anew: 3_600_000,
    signal: stop.signal,
    now: () => now,
    left: say,
    take: stickTaker(box.folder, { json: false, say, signal: stop.signal }),
  });
}

async function until(met: () => boolean, step = 1000): Promise<void> {
  while (!met()) {
    now += step;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const turnUp = (files: Stick, name: string) => renameSync(box.stick(files, `made-${name}`), join(dir, name));
const lines = (pattern: RegExp) => said.filter((one) => pattern.test(one)).length;
const policy = (): Stick =>
  new Map([["coldseal/audit/policy/0001.p7m", bundle.files.get("policy/0001.p7m") as Uint8Array]]);

it("NOTHING-LOST: a keeper's record whose policy comes with the next folder", async () => {
  await box.enrol(bundle.genesis);
  turnUp(auditOf([bundle]), "keeper");
  watch();
  await until(() => lines(/keeper: nothing changed/) === 1);
  expect(lines(/manifest: REFUSED POLICY/)).toBe(1);
  turnUp(policy(), "next");
  await until(() => lines(/manifest 1: in the log/) === 1);
  await until(() => lines(/keeper: 1 chained/) === 1);
  expect(lines(/REFUSED/)).toBe(1);
});

it("NOTHING-LOST: sticks of a box that is enrolled an hour later, also one with policies alone; told once", async () => {
  turnUp(auditOf([bundle]), "keeper");
  turnUp(policy(), "policies");
  watch();
  await until(() => lines(/keeper: nothing changed/) === 1 && lines(/policies: nothing changed/) === 1);
  expect(lines(/REFUSED LEDGER-BOX/)).toBe(1);
  // An hour and more in which nothing changed is silent.
  const [then, told] = [now, said.length];
  await until(() => now > then + 4_000_000, 60_000);
  expect(said.slice(told)).toEqual([]);
  await box.enrol(bundle.genesis);
  await until(() => lines(/manifest 1: in the log/) === 1, 60_000);
  expect(lines(/REFUSED LEDGER-BOX/)).toBe(1);
});

it("NOTHING-LOST: what may yet be taken is not final: what was refused, left, or vouched for by nobody", () => {
  const of = (result: Told["result"]) => isFinal({ stick: "", place: "", what: "custody", box: null, result });
  const refusal = new Refusal("LEDGER-BOX", "another box");
  expect([of({ kind: "refused", refusal }), of({ kind: "left", refusal }), of({ kind: "unvouched" })]).toEqual([
    false,
    false,
    false,
  ]);
  expect([of({ kind: "known" }), of({ kind: "entered", entry: 1 }), of({ kind: "unsigned" })]).toEqual([
    true,
    true,
    true,
  ]);
});
