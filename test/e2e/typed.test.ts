import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { projectRoot } from "../../demo/project-root.ts";
import type { Slip } from "../../desk/slip.ts";
import { atTerminal, type Typist } from "../ceremony/terminal.ts";
import { type WholeBox, wholeBox } from "./whole-box.ts";

let whole: WholeBox;
beforeAll(async () => {
  whole = await wholeBox();
});
afterAll(() => whole?.end());

function ceremony(operator: OperatorPaths, ...args: string[]): Typist {
  const main = join(projectRoot, "ceremony/main.ts");
  return atTerminal([process.execPath, main, "--as", operator.operatorJson, ...args]);
}

const pinIn = (path: string) => readFileSync(path, "utf8");

async function approveByHand(operator: OperatorPaths, slip: Slip, expected: RegExp): Promise<void> {
  const typist = ceremony(operator, "approve", slip.folder);
  for (let asked = 0; asked < 2; asked++) {
    const [, group] = await typist.reads(/Type group (\d+) of the slip[^:]*: /);
    typist.types(`${slip.words[Number(group) - 1]}\r`);
  }
  await typist.reads(/Type Yes to approve as \w+[^:]*: /);
  typist.types("Yes\r");
  await typist.reads(/Type the PIN of [^:]*: /);
  typist.types(`${pinIn(operator.pin)}\r`);
  await typist.reads(expected);
  expect(await typist.ended).toBe(0);
  expect(typist.screen()).not.toContain(pinIn(operator.pin));
}

describe("people at terminals, on the real box", () => {
  it("SECRET: lock, unlock and two approvals, all typed, seal a batch; no PIN is on any screen", async () => {
    const [op1, op2] = whole.paths.operators as [OperatorPaths, OperatorPaths];
    expect(await ceremony(op1, "lock").ended).toBe(0);
    const slip = await whole.bring("typed", { "a.txt": "typed by hand", "b.txt": "b" });
    await whole.until("typed", "waiting-for-approval");
    await approveByHand(op1, slip, /Approved: 1 of 2\./);
    await approveByHand(op2, slip, /Approved: 2 of 2\./);
    await whole.until("typed", "waiting-for-unlock");
    const unlocking = ceremony(op1, "unlock");
    await unlocking.reads(/PIN[^:]*: /);
    unlocking.types(`${pinIn(whole.paths.box.pin)}\r`);
    expect(await unlocking.ended).toBe(0);
    expect(unlocking.screen()).not.toContain(pinIn(whole.paths.box.pin));
    await whole.until("typed", "released");
    expect((await whole.verify("typed")).stdout).toContain("VALID: 2 seals, all 2 documents (mode test)");
  });
});
