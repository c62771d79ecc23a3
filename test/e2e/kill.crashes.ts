import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { approve, asOperator, succeeded, unlock } from "../../demo/people.ts";
import { type WholeBox, wholeBox } from "./whole-box.ts";

let whole: WholeBox;
let op1: OperatorPaths;
let op2: OperatorPaths;

beforeAll(async () => {
  // RSA is slow enough to be killed in the middle of.
  whole = await wholeBox({ profile: "rsa-pkcs1-sha256" });
  [op1, op2] = whole.paths.operators as [OperatorPaths, OperatorPaths];
});
afterAll(() => whole?.end());

function documents(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`document ${at}.txt`, `content ${at}`]));
}

const many = documents(40);

async function locked(): Promise<boolean> {
  const { stdout } = await asOperator(op1, ["--json", "status"]);
  return (JSON.parse(stdout) as { signer: { locked: boolean } | null }).signer?.locked === true;
}

async function untilLocked(): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await locked().catch(() => false)) return;
    await setTimeout(100);
  }
  throw new Error("the signer did not come back");
}

/** The batch is whole: our verifier takes every file of it. */
async function holds(folder: string, count = 40): Promise<void> {
  expect((await whole.verify(folder)).stdout).toContain(`VALID: ${count} seals, all ${count} documents`);
}

/** Resolves while documents of the batch are being sealed: some are, others not yet. */
async function inTheMiddleOfSealing(folder: string): Promise<void> {
  const seen = Promise.withResolvers<void>();
  const end = whole.daemon.watch(folder, ({ state, progress }) => {
    if (state === "sealing" && progress && progress.documents > 0 && progress.documents < progress.of) seen.resolve();
  });
  const tooLate = end.then(() => Promise.reject(new Error("it was not seen in the middle of sealing")));
  await Promise.race([seen.promise, tooLate]);
}

interface Attempt {
  readonly attempt: number;
  readonly number: number;
  readonly sealed: number;
}

/** The signer's attempts at a manifest, as its journal has them. */
async function attempts(number: number | null): Promise<readonly Attempt[]> {
  const ran = succeeded(await asOperator(op1, ["--json", "journal", "--limit", "1000"]), "journal");
  const { rows } = JSON.parse(ran.stdout) as { rows: { kind: string; record: Attempt }[] };
  const records = rows.filter(({ kind }) => kind === "attempt").map(({ record }) => record);
  return records.filter((one) => one.number === number);
}

describe("NOTHING-LOST: kill -9", () => {
  it("NOTHING-LOST: of the daemon between two approvals: the first one still counts", async () => {
    const slip = await whole.bring("approved-once", many);
    await whole.until("approved-once", "waiting-for-approval");
    succeeded(await approve(op1, slip), "approve");
    await whole.box.kill("daemon");
    const row = await whole.until("approved-once", "waiting-for-approval");
    expect(row.approvals.map((one) => one.person)).toEqual(["op1"]);
    succeeded(await approve(op2, slip), "approve");
    await whole.until("approved-once", "released");
    await holds("approved-once");
  });

  it("T21: of signer and daemon in the middle of sealing: it waits for unlock, then ends the same batch", async () => {
    const count = 800;
    const slip = await whole.bring("in-the-middle", documents(count), ["--purpose", "another batch"]);
    await whole.until("in-the-middle", "waiting-for-approval");
    succeeded(await approve(op1, slip), "approve");
    succeeded(await approve(op2, slip), "approve");
    await inTheMiddleOfSealing("in-the-middle");
    await Promise.all([whole.box.kill("signer"), whole.box.kill("daemon")]);
    await untilLocked();
    succeeded(await unlock(whole.paths), "unlock");
    const { number } = await whole.until("in-the-middle", "released");
    await holds("in-the-middle", count);
    const [first, second, third] = await attempts(number);
    expect([first?.attempt, second?.attempt, third]).toEqual([1, 2, undefined]);
    expect(first?.sealed).toBe(0);
    expect(second?.sealed).toBeGreaterThan(0);
    expect(second?.sealed).toBeLessThan(count);
    const journal = succeeded(await asOperator(op1, ["--json", "verify-journal"]), "verify-journal");
    expect(JSON.parse(journal.stdout)).toMatchObject({ manifests: 2 });
  });

  it("LOCKED: a full authorisation waits for unlock after the signer died", async () => {
    const slip = await whole.bring("waits", many, ["--purpose", "a third batch"]);
    await whole.until("waits", "waiting-for-approval");
    await whole.box.kill("signer");
    await untilLocked();
    succeeded(await approve(op1, slip), "approve");
    succeeded(await approve(op2, slip), "approve");
    expect((await whole.until("waits", "waiting-for-unlock")).waiting).toMatch(/unlock/);
    succeeded(await unlock(whole.paths), "unlock");
    await whole.until("waits", "released");
    await holds("waits");
  });

  it("NOTHING-LOST: of intake while it copies: the batch is taken again", async () => {
    const slip = await whole.bring("intake-dies", { "large.bin": Buffer.alloc(48 << 20, 7) });
    await whole.until("intake-dies", "copying");
    await whole.box.kill("intake");
    await whole.until("intake-dies", "waiting-for-approval");
    succeeded(await approve(op1, slip), "approve");
    succeeded(await approve(op2, slip), "approve");
    await whole.until("intake-dies", "released");
    expect((await whole.verify("intake-dies")).status).toBe(0);
  });
});
