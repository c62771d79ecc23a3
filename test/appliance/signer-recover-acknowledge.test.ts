/** What acknowledgements say of a store that was lost, and where the new one stands. */

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acknowledgedTo, takeAcknowledgement } from "../../appliance/signer/acknowledgements.ts";
import { exportsOf } from "../../appliance/signer/exports.ts";
import { readEvidence } from "../../appliance/signer/recover/evidence.ts";
import { recoverBox, surveyBox } from "../../appliance/signer/recover/recover-box.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { readFiles } from "../../manifests/encoding/file-stream.ts";
import type { Stick } from "../bundle/chain.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { LedgerBox } from "./signer/ledger-box.ts";
import { orderOf } from "./signer/order-of.ts";
import { signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, type TestBox } from "./signer/test-box.ts";

let ledger: LedgerBox;
let box: TestBox;
/** a folder of exports */
let kept: Stick;

beforeEach(async () => {
  ledger = await LedgerBox.make();
  ({ box } = ledger);
  kept = new Map([["policies/policy-0001.p7m", await signPolicy(box.policy, ["op1", "op2", "op3"])]]);
});
afterEach(() => box.remove());

async function sealed(name: string, isKept: boolean): Promise<number> {
  const number = await ledger.seal(name);
  for (const [path, bytes] of await filesOf(box, number)) {
    if (isKept) kept.set(`manifests/${String(number).padStart(6, "0")}/${path}`, bytes);
  }
  return number;
}

const keep = (p7m: Uint8Array) => kept.set(`acknowledgements/${hex(sha256(p7m)).slice(0, 16)}.p7m`, p7m);
const evidence = () => readEvidence(nodeHost, memorySource({ files: kept }), box.config);

function loseDisk(): void {
  box.kill();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${box.config.state}/store.db${suffix}`, { force: true });
}

const survey = async () =>
  surveyBox(box.parts(), await evidence(), { beyond: 0, reason: "water in the vault" }, utf8(rightPin));

async function recovered() {
  const what = await survey();
  const order = await orderOf(box, "recover", what as Json, undefined, { number: 1, previous: null });
  await recoverBox(box.parts(), await evidence(), order, utf8(rightPin));
  await box.open();
  expect(box.box.fault).toBeUndefined();
  await box.unlock();
  await takeOrder(box.box, order);
  await verifyRecord(box.box);
  return what;
}

const stands = () => {
  const { number, root, size } = acknowledgedTo(box.box);
  return { number, root: hex(root), size };
};

describe("acknowledgements of a lost store", () => {
  it("CHAIN: numbers that a ledger holds were made, and are not used again; the box stands where it stood", async () => {
    await sealed("a", true);
    const lost = await sealed("b", false);
    await ledger.hold(1, lost);
    const p7m = await ledger.acknowledgement();
    keep(p7m);
    const head = ledger.ledger.head();
    loseDisk();
    const what = await recovered();
    expect(what.manifests).toMatchObject({ last: lost });
    expect(what.manifests.next).toBeGreaterThan(lost);
    expect(what.manifests.missing[0]).toMatchObject({ from: lost });
    expect(stands()).toEqual({ number: lost, root: hex(head.root), size: head.size });
    // It is known, and changes nothing.
    expect(await takeAcknowledgement(box.box, p7m)).toBe(lost);
    const next = await ledger.seal("c");
    expect(next).toBe(what.manifests.next);
    expect(manifestIn(await filesOf(box, next)).acknowledged).toEqual(stands());
    // What was lost between is explained to the ledger by the order: its number goes on.
    await ledger.hold(next);
    expect(await takeAcknowledgement(box.box, await ledger.acknowledgement({ from: [head.size] }))).toBe(next);
  });

  it("CHAIN: without one at hand the last manifest says where the box stood, and from there the ledger leads on", async () => {
    await sealed("a", true);
    await ledger.hold(1);
    const early = ledger.ledger.size;
    await takeAcknowledgement(box.box, await ledger.acknowledgement());
    const second = await sealed("b", true);
    const before = stands();
    await ledger.hold(second);
    loseDisk();
    await recovered();
    expect(stands()).toEqual(before);
    expect(await codeOf(ledger.acknowledgement().then((p7m) => takeAcknowledgement(box.box, p7m)))).toBe(
      "ACKNOWLEDGEMENT",
    );
    expect(await takeAcknowledgement(box.box, await ledger.acknowledgement({ from: [early] }))).toBe(second);
  });

  it("CHAIN: one that names another manifest than is at hand stops the recovery", async () => {
    await sealed("a", true);
    await ledger.ledger.hold(ledger.name, { number: 1, digest: "ef".repeat(32) });
    keep(await ledger.acknowledgement());
    loseDisk();
    expect(await codeOf(evidence())).toBe("CHAIN");
  });

  it("ACKNOWLEDGEMENT: what does not hold, is another box's, or is from before the box stood where it did, says nothing", async () => {
    await sealed("a", true);
    await ledger.hold(1);
    const early = await ledger.acknowledgement();
    await ledger.ledger.fill(2);
    await takeAcknowledgement(box.box, await ledger.acknowledgement());
    const before = stands();
    await sealed("b", true);
    for (const p7m of [
      early,
      await ledger.acknowledgement({ change: (one) => ({ ...one, appliance: "box-2", number: 900 }) }),
      await ledger.acknowledgement({ witnesses: [], change: (one) => ({ ...one, number: 900 }) }),
      new Uint8Array(100),
    ])
      keep(p7m);
    loseDisk();
    const what = await recovered();
    expect(what.manifests.next).toBeLessThan(20);
    expect(stands()).toEqual(before);
  });

  it("CHAIN: the last one is among what people keep of the box, and brings it back", async () => {
    await sealed("a", true);
    await ledger.hold(1);
    await takeAcknowledgement(box.box, await ledger.acknowledgement());
    await ledger.ledger.fill(1);
    const last = await ledger.acknowledgement({ from: [ledger.ledger.size - 1] });
    await takeAcknowledgement(box.box, last);
    const before = stands();
    async function* stream() {
      yield* exportsOf(box.box);
    }
    const names: string[] = [];
    for await (const part of readFiles(stream())) if ("path" in part) names.push(part.path);
    expect(names.filter((name) => name.startsWith("acknowledgements/"))).toEqual([
      `acknowledgements/${hex(sha256(last)).slice(0, 16)}.p7m`,
    ]);
    keep(last);
    loseDisk();
    await recovered();
    expect(stands()).toEqual(before);
  });
});
