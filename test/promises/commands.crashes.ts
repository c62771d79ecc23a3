/** T21 for the operators' command: killed while it approves, unlocks and exports, at system calls all over its life. What it was to do is done or not, and is done by the same command again. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { answer, approve, asOperator, succeeded, unlock } from "../../demo/people.ts";
import type { Ran, RunOptions } from "../../demo/run-command.ts";
import type { Slip } from "../../desk/slip.ts";
import { type WholeBox, wholeBox } from "../e2e/whole-box.ts";
import { difference, filesBelow } from "./check-media.ts";
import { DeathPlan, mustTrace, sample, seeded } from "./dying-process.ts";

const all = process.env.CRASHES === "all";
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const random = seeded(seed);
const many = all ? Number.POSITIVE_INFINITY : 2;

let whole: WholeBox;
let folder: string;
let op1: OperatorPaths;
let op2: OperatorPaths;
let plan: DeathPlan;
let batches = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-commands-"));
  whole = await wholeBox();
  [op1, op2] = whole.paths.operators as [OperatorPaths, OperatorPaths];
  plan = new DeathPlan(join(folder, "plan"));
  console.info(`CRASH_SEED=${seed}`);
});

afterAll(async () => {
  await whole?.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command that dies at its `when`th write, to a socket, the terminal or a token; 0: it lives. */
function dying(
  when: number,
  args: readonly string[],
  options: Omit<RunOptions, "secret"> & { pin?: string } = {},
): Promise<Ran> {
  plan.set({ call: "write", when });
  return asOperator(op1, args, { ...options, under: plan.under });
}

async function brought(): Promise<Slip> {
  const slip = await whole.bring(`command-${++batches}`, { "a.txt": `a ${batches}`, "b.txt": `b ${batches}` });
  await whole.until(slip.folder, "waiting-for-approval");
  return slip;
}

const approving = (when: number, slip: Slip) =>
  dying(when, ["approve", slip.folder], { answer: (printed) => answer(printed, slip) });

async function holds(slip: Slip): Promise<void> {
  await whole.until(slip.folder, "released");
  expect((await whole.verify(slip.folder)).stdout).toContain("VALID: 2 seals, all 2 documents");
}

/**
 * The points of a command that `live` lets live, under the same tracing. A point behind the last write is never reached, and how often
 * a process writes differs between runs: its threads wake each other by writes, 8 to 48 in one command. So the shortest of three lives
 * counts, without its last quarter.
 */
async function points(live: () => Promise<unknown>): Promise<readonly number[]> {
  const lives: number[] = [];
  for (let life = 0; life < 3; life++) {
    await live();
    lives.push(plan.calls);
  }
  const fewest = Math.min(...lives);
  expect(fewest).toBeGreaterThan(3);
  return sample(1, Math.floor(fewest * 0.75), many, random);
}

describe.skipIf(!mustTrace)("kill -9 of the operators' command", () => {
  it("T21: in approve: the approval counts once or not at all, and approving again goes on", async () => {
    const taken = await points(async () => {
      const slip = await brought();
      succeeded(await approving(0, slip), "approve");
      // What follows is not traced: the plan is used up.
      succeeded(await approve(op2, slip), "approve");
      await holds(slip);
    });
    for (const when of taken) {
      const slip = await brought();
      expect((await approving(when, slip)).status, `write ${when}`).not.toBe(0);
      expect(plan.died, `write ${when}`).toBe(true);
      const { approvals } = await whole.until(slip.folder, "waiting-for-approval");
      expect(approvals.length).toBeLessThanOrEqual(1);
      if (approvals.length === 0) succeeded(await approve(op1, slip), "approve");
      succeeded(await approve(op2, slip), "approve");
      await holds(slip);
    }
  });

  it("T21: in unlock: the box is unlocked or locked, no PIN try is lost, and unlocking again goes on", async () => {
    const pin = whole.paths.box.pin;
    const taken = await points(async () => {
      succeeded(await asOperator(op1, ["lock"]), "lock");
      succeeded(await dying(0, ["unlock"], { pin }), "unlock");
    });
    for (const when of taken) {
      succeeded(await asOperator(op1, ["lock"]), "lock");
      await dying(when, ["unlock"], { pin });
      expect(plan.died, `write ${when}`).toBe(true);
      succeeded(await unlock(whole.paths), "unlock");
    }
    const slip = await brought();
    for (const one of [op1, op2]) succeeded(await approve(one, slip), "approve");
    await holds(slip);
  });

  it("T19: in export: whole or absent on the other stick, and exporting again gives the same bytes", async () => {
    const slip = await brought();
    for (const one of [op1, op2]) succeeded(await approve(one, slip), "approve");
    await holds(slip);
    const exporting = async (when: number) => {
      const stick = mkdtempSync(join(folder, "stick-"));
      await dying(when, ["export", slip.folder, "--to", stick]);
      return stick;
    };
    for (const when of await points(() => exporting(0))) {
      const stick = await exporting(when);
      expect(plan.died, `write ${when}`).toBe(true);
      succeeded(await asOperator(op1, ["export", slip.folder, "--to", stick]), "export");
      const other = join(stick, "coldseal/outbox", slip.folder);
      expect(difference(filesBelow(other), filesBelow(whole.outbox(slip.folder)))).toBeUndefined();
    }
    const journal = succeeded(await asOperator(op1, ["--json", "verify-journal"]), "verify-journal");
    expect(JSON.parse(journal.stdout)).toMatchObject({ manifests: batches });
  });
});
