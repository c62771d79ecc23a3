/** An emergency in which the disk is lost: what the box does not know any more is said, and takes nothing from what is known. */

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storedClosings } from "../../appliance/signer/closing.ts";
import { readEvidence } from "../../appliance/signer/recover/evidence.ts";
import { recoverBox, surveyBox } from "../../appliance/signer/recover/recover-box.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { type Closing, readSignedClosing } from "../../manifests/records/closing.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { declaration, type EmergencyBox, emergencyBox } from "./signer/emergency-box.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { orderOf } from "./signer/order-of.ts";
import { listOf, makeBatch, oids, operators, root } from "./signer/people.ts";
import { codeOf, filesOf } from "./signer/test-box.ts";

type Files = ReadonlyMap<string, Uint8Array>;

let made: EmergencyBox;
/** what people have of the box when its disk is lost */
let kept: Map<string, Uint8Array>;
const { op1 } = operators;

beforeEach(async () => {
  made = await emergencyBox({ seals: 50 });
  kept = new Map();
});
afterEach(() => made.box.remove());

async function seal(id: string, count = 2): Promise<number> {
  const batch = await makeBatch(listOf(count, id), { batch: id, mode: "emergency" });
  await made.box.authorised(batch, op1);
  return (await made.box.seal(batch)).number;
}

const digits = (number: number, many: number) => String(number).padStart(many, "0");

/** Policies, orders and their statements; but for those of one kind where that is said. */
function keepOrders(withoutStatement?: string): void {
  const { orders, policies } = made.box.box;
  for (const { number, p7m } of policies.all()) kept.set(`policies/policy-${digits(number, 4)}.p7m`, p7m);
  const kinds = new Map(orders.all().map(({ order }) => [order.number, order.kind as string]));
  for (const { number, p7m, statement } of orders.stored()) {
    kept.set(`orders/${digits(number, 4)}.p7m`, p7m);
    if (statement && kinds.get(number) !== withoutStatement) kept.set(`statements/${digits(number, 4)}.p7m`, statement);
  }
}

function keepClosings(): void {
  for (const { number, p7m } of storedClosings(made.box.box.db)) kept.set(`closings/${digits(number, 4)}.p7m`, p7m);
}

async function keepManifests(...numbers: readonly number[]): Promise<void> {
  for (const number of numbers) {
    for (const [path, bytes] of await filesOf(made.box, number))
      kept.set(`manifests/${digits(number, 6)}/${path}`, bytes);
  }
}

/** The disk is gone; the box is made anew from what was kept. */
async function loseDisk(): Promise<void> {
  const { config } = made.box;
  made.box.kill();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${config.state}/store.db${suffix}`, { force: true });
  const evidence = () => readEvidence(nodeHost, memorySource({ files: kept }), config);
  const wanted = { beyond: 0, reason: "water" };
  const what = await surveyBox(made.box.parts(), await evidence(), wanted, utf8(rightPin));
  const last = (await evidence()).orders.at(-1);
  const order = await orderOf(made.box, "recover", what as unknown as Json, undefined, {
    number: (last?.order.number ?? 0) + 1,
    previous: last ? hex(last.digest) : null,
  });
  await recoverBox(made.box.parts(), await evidence(), order, utf8(rightPin));
  await made.box.open();
  await made.box.unlock();
  await takeOrder(made.box.box, order);
}

async function closedBy(order: number): Promise<{ readonly closing: Closing; readonly p7m: Uint8Array }> {
  const { body } = await made.box.call("closing", { number: order });
  const parts: Uint8Array[] = [];
  for await (const part of body ?? []) parts.push(part);
  const p7m = Buffer.concat(parts);
  return { closing: (await readSignedClosing(nodeHost, oids, p7m)).closing, p7m };
}

const end = (order: string) => made.order("end-emergency", { declaration: order, reason: "The KMS is back." });

async function verdictOn(files: Files, closing: Uint8Array) {
  const trust = { roots: [root.certificate], genesis: made.box.config.genesis, closings: [closing] };
  const { emergency, findings } = await verifyBundle(nodeHost, memorySource({ files: new Map(files) }), trust);
  return { findings, closing: emergency?.closing };
}

describe("an emergency in which the disk is lost", () => {
  it("EMERGENCY: with numbers missing nobody knows how many seals were made: it is ended, and another one declared", async () => {
    const order = await made.declare();
    await seal("one");
    const lost = await filesOf(made.box, await seal("two"));
    keepOrders();
    await keepManifests(1);
    await loseDisk();
    expect(await codeOf(seal("three"))).toBe("EMERGENCY");
    const { box, work } = made.box;
    expect(statusOf(box, work)).toMatchObject({
      emergency: { limit: null, refused: expect.stringContaining("disk was lost") },
    });
    const { closing, p7m } = await closedBy((await end(order)).number);
    expect(closing).toMatchObject({ manifests: [{ number: 1 }], recoveries: 1, seals: 2 });
    expect(closing.missing?.[0]).toMatchObject({ from: 2 });
    expect(await verdictOn(await filesOf(made.box, 1), p7m)).toMatchObject({ findings: [], closing: { lists: true } });
    // What the box does not know any more holds all the same.
    expect(await verdictOn(lost, p7m)).toMatchObject({ findings: [], closing: { lists: false } });
    await made.declare({ reason: "It goes on." });
    const number = await seal("three");
    expect(number).toBeGreaterThan(2);
  });

  it("EMERGENCY: with all at hand it goes on, and twice lost its record is one that holds", async () => {
    const order = await made.declare();
    await seal("one");
    keepOrders();
    await keepManifests(1);
    // The token's head was moved by this since: numbers that may have been used are left out.
    await loseDisk();
    const next = await seal("two").catch(() => undefined);
    keepOrders();
    if (next !== undefined) await keepManifests(next);
    await loseDisk();
    const { closing, p7m } = await closedBy((await end(order)).number);
    expect(closing.recoveries).toBe(2);
    const first = await verdictOn(await filesOf(made.box, 1), p7m);
    expect(first).toMatchObject({ findings: [], closing: { lists: true } });
  });

  it("EMERGENCY: ended before the disk was lost and stated after it, the record names what is missing", async () => {
    const order = await made.declare();
    for (const id of ["one", "two", "three"]) await seal(id);
    await made.box.box.lockbox.lock("test");
    const ended = await end(order);
    expect(ended.why).toBe("the box is locked");
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ closingDue: [ended.number], emergency: null });
    await made.box.unlock();
    keepOrders();
    await keepManifests(1, 3);
    await loseDisk();
    const again = await takeOrder(made.box.box, kept.get(`orders/${digits(ended.number, 4)}.p7m`) as Uint8Array);
    expect(again.why).toBeUndefined();
    const { closing, p7m } = await closedBy(ended.number);
    expect(closing.manifests.map(({ number }) => number)).toEqual([1, 3]);
    expect(closing.missing?.[0]).toMatchObject({ from: 2, to: 2 });
    for (const number of [1, 3]) expect((await verdictOn(await filesOf(made.box, number), p7m)).findings).toEqual([]);
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ closingDue: [] });
  });

  it("EMERGENCY: what it was closed by comes back with the other records; another box's or order's does not", async () => {
    const order = await made.declare();
    await seal("one");
    const { number } = await end(order);
    const { p7m } = await closedBy(number);
    keepOrders();
    keepClosings();
    await keepManifests(1);
    const path = `closings/${digits(number, 4)}.p7m`;
    const other = `closings/${digits(number - 1, 4)}.p7m`;
    kept.delete(path);
    kept.set(other, p7m);
    expect(await codeOf(readEvidence(nodeHost, memorySource({ files: kept }), made.box.config))).toBe("CHAIN");
    kept.delete(other);
    kept.set(path, p7m);
    await loseDisk();
    expect(Buffer.from((await closedBy(number)).p7m)).toEqual(Buffer.from(p7m));
    await verifyRecord(made.box.box);
  });

  it("EMERGENCY: stated, and the record gone with the disk, the same order has it signed anew", async () => {
    const order = await made.declare();
    await seal("one");
    const { number } = await end(order);
    keepOrders();
    await keepManifests(1);
    await loseDisk();
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ closingDue: [number] });
    const again = await takeOrder(made.box.box, kept.get(`orders/${digits(number, 4)}.p7m`) as Uint8Array);
    expect([again.why, again.statement !== undefined]).toEqual([undefined, true]);
    const { closing, p7m } = await closedBy(number);
    expect(closing).toMatchObject({ recoveries: 1, seals: 2 });
    expect((await verdictOn(await filesOf(made.box, 1), p7m)).findings).toEqual([]);
  });

  it.each(["declare-emergency", "end-emergency"])(
    "EMERGENCY: without the statement of %s at hand times are another's word, and everything holds",
    async (kind) => {
      const early = await orderOf(made.box, "declare-emergency", declaration);
      await new Promise((resolve) => setTimeout(resolve, 2100));
      const { digest: order } = await takeOrder(made.box.box, early);
      const ending =
        kind === "end-emergency" ? await orderOf(made.box, kind, { declaration: order, reason: "Over." }) : undefined;
      await seal("one");
      if (ending) await takeOrder(made.box.box, ending);
      keepOrders(kind);
      await keepManifests(1);
      await loseDisk();
      const { number } = ending ? await takeOrder(made.box.box, ending) : await end(order);
      const { closing, p7m } = await closedBy(number);
      expect(closing.manifests).toMatchObject([{ number: 1, seals: 2 }]);
      expect((await verdictOn(await filesOf(made.box, 1), p7m)).findings).toEqual([]);
    },
  );
});
