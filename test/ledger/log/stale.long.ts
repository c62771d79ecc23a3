/** A process that appends is stopped (SIGSTOP), another takes the log over, and the first goes on (SIGCONT): the epoch's row stops it. */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { append } from "../../../ledger/log/append.ts";
import { takeOver, treeHead } from "../../../ledger/log/tree-head.ts";
import type { Refusal } from "../../../manifests/refusal.ts";
import { aLedger, recordsFrom, type TestLedger } from "../a-ledger.ts";

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await aLedger();
});
afterEach(() => ledger.end());

/** Appends until it is refused; what it said. */
function appending(from: number): { readonly child: ChildProcess; readonly said: { out: string; err: string } } {
  const program = join(import.meta.dirname, "appending-process.ts");
  const child = spawn(process.execPath, [program, ledger.folder, `${from}`], { stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.err += text;
  });
  return { child, said };
}

/** Stopped within a transaction it holds the store: then it goes on for a moment, and is stopped again. */
async function takenOverFrom(child: ChildProcess): Promise<number> {
  for (;;) {
    child.kill("SIGSTOP");
    try {
      return await takeOver(ledger.db);
    } catch (fault) {
      expect((fault as Refusal).code).toBe("BUSY");
      child.kill("SIGCONT");
      await setTimeout(37);
    }
  }
}

it("BUSY: a process that slept while another took the log over appends nothing any more", async () => {
  const { child, said } = appending(0);
  const gone = new Promise<number | null>((done) => child.once("close", done));
  try {
    while (said.out.split("\n").length < 20 && child.exitCode === null) await setTimeout(20);
    const epoch = await takenOverFrom(child);
    const places = await ledger.db.writing((sql) => append(sql, epoch, recordsFrom(1_000_000, 5)));
    const { root, size } = await ledger.db.reading(treeHead);
    expect(places.at(-1)).toMatchObject({ index: size - 1, fresh: true });
    child.kill("SIGCONT");
    expect(await gone).not.toBe(0);
    expect(said.err).toMatch(/another process appends to this log since/);
    expect(await ledger.db.reading(treeHead)).toEqual({ root, size });
    const told = said.out.split("\n").filter((line) => /^\d+ \d+ [0-9a-f]{64}$/.test(line));
    expect(told.length).toBe(size - 5);
    expect((await checkLedger(ledger, [])).findings).toEqual([]);
  } finally {
    child.kill("SIGKILL");
    await gone;
  }
});
