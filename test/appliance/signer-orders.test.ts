import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clockSetting } from "../../appliance/signer/box.ts";
import { lookAround } from "../../appliance/signer/look-around.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { orderKinds } from "../../manifests/records/order.ts";
import { verifyStatement } from "../../manifests/records/statement.ts";
import { orderOf, quorum } from "./signer/order-of.ts";
import { fromNow, listOf, makeBatch, oids, operators, stranger } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
const { op1, op2 } = operators;
const reason = "a test";

beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

async function taken(...args: Parameters<typeof orderOf> extends [unknown, ...infer Rest] ? Rest : never) {
  return takeOrder(box.box, await orderOf(box, ...args));
}

async function sealOne(name: string): Promise<string> {
  const batch = await makeBatch(listOf(1, name), { batch: name });
  await box.authorised(batch);
  return codeOf(box.seal(batch));
}

/** What a kind says, so that it reads. */
const spki = () => Buffer.from(box.box.keys.sealing.spki).toString("base64");
const whatOf = () => ({
  "approve-software": { digest: "11".repeat(32), software: "0.2.0" },
  "certify-key": { certificates: [Buffer.from(box.box.keys.sealing.certificate).toString("base64")], spki: spki() },
  close: { bags: [{ item: "HSM bag", number: "B-17" }] },
  "declare-emergency": { cause: "provider", reason, text: { digest: "66".repeat(32), language: "en" } },
  "destroy-key": { reason, spki: spki() },
  "end-emergency": { declaration: "77".repeat(32), reason },
  open: { bags: [], closing: "22".repeat(32) },
  recover: {
    journal: { evidence: 5, head: "44".repeat(32), sequence: 7 },
    keys: { audit: Buffer.from(box.box.keys.audit.spki).toString("base64"), sealing: spki() },
    manifests: { digest: null, last: 0, missing: [{ from: 1, to: 3 }], next: 4 },
    orders: { last: 2, unstated: [2] },
    reason,
    software: { digest: "55".repeat(32), version: "0.1.0" },
    token: { counter: 3, uri: "pkcs11:serial=f4ke" },
  },
  reseal: { key: spki(), manifests: [1], reason, since: null },
  resume: { reason },
  "resume-key": { reason, spki: spki() },
  "revoke-key": { reason, revocation: "keyCompromise", since: null, spki: spki() },
  "set-clock": { accuracySeconds: 2, boxTime: fromNow(0), reference: "radio clock", referenceTime: fromNow(0) },
  "stage-key": {
    kind: "p256",
    purpose: "sealing",
    spki: Buffer.from(stranger.spki).toString("base64"),
    token: { environment: {}, module: "none", uri: "pkcs11:serial=f4ke" },
    uri: "pkcs11:object=sealing-2;id=%02",
  },
  suspend: { reason },
  "suspend-key": { reason, spki: spki() },
});

describe("orders of officers", () => {
  it("QUORUM: every kind but those that only stop something needs as many officers as a policy", async () => {
    const alone = ["suspend", "suspend-key"];
    for (const kind of orderKinds) {
      const code = await codeOf(taken(kind, whatOf()[kind], [op1]));
      if (alone.includes(kind)) expect([kind, code]).toEqual([kind, "none"]);
      else expect([kind, code]).toEqual([kind, "QUORUM"]);
    }
  });

  it("T15: one person twice, a stranger, or a person under another policy do not count", async () => {
    expect(await codeOf(taken("close", whatOf().close, [op1, op1]))).toBe("PERSON-TWICE");
    expect(await codeOf(taken("close", whatOf().close, [op1, stranger]))).toBe("PERSON-UNKNOWN");
    const other = { policyDigest: "00".repeat(32) };
    expect(await codeOf(taken("close", whatOf().close, quorum, other))).toBe("POLICY-DIGEST");
    expect(await codeOf(taken("close", whatOf().close, quorum, { appliance: "box-2" }))).toBe("ORDER");
    expect(await codeOf(taken("close", whatOf().close, quorum, { expires: fromNow(-1) }))).toBe("ORDER");
    expect(box.box.orders.standing.last).toBeUndefined();
  });

  it("ORDER: each is taken once and in its place; the same one again gives the same statement", async () => {
    const first = await orderOf(box, "approve-software", whatOf()["approve-software"]);
    const answer = await takeOrder(box.box, first);
    expect(answer.number).toBe(1);
    const again = await takeOrder(box.box, first);
    expect(equal(again.statement as Uint8Array, answer.statement as Uint8Array)).toBe(true);
    expect(await codeOf(taken("suspend", { reason }, [op1], { number: 1, previous: null }))).toBe("ORDER");
    expect(await codeOf(taken("suspend", { reason }, [op1], { number: 3 }))).toBe("ORDER");
    expect(await codeOf(taken("suspend", { reason }, [op1], { previous: "33".repeat(32) }))).toBe("ORDER");
    const { statement, spki: signer } = await verifyStatement(nodeHost, oids, answer.statement as Uint8Array);
    expect(equal(signer, box.box.keys.audit.spki)).toBe(true);
    expect(statement).toMatchObject({ counter: 2, order: { kind: "approve-software", number: 1 }, manifest: 0 });
    await box.restart();
    await box.unlock();
    expect(box.box.orders.standing.last?.number).toBe(1);
  });

  it("SUSPENDED: one officer stops the box at once, also over a restart; only a quorum resumes it", async () => {
    await taken("suspend", { reason: "the bag was open" }, [op2]);
    expect(box.box.lockbox.unlocked).toBe(false);
    await box.restart();
    await box.unlock();
    expect(await sealOne("a")).toBe("SUSPENDED");
    expect(statusOf(box.box, box.work)).toMatchObject({
      held: { code: "SUSPENDED" },
      suspended: { reason: "the bag was open" },
    });
    expect(await codeOf(taken("resume", { reason }, [op1]))).toBe("QUORUM");
    await taken("resume", { reason });
    expect(await sealOne("b")).toBe("none");
    expect(await codeOf(taken("resume", { reason }))).toBe("ORDER");
  });

  it("CLOSED: a closed box opens by nothing but an opening that presents the last close, and says what lies between", async () => {
    const { statement } = await taken("close", whatOf().close);
    const { digest, statement: close } = await verifyStatement(nodeHost, oids, statement as Uint8Array);
    expect(close.facts.bags).toBe("item HSM bag, number B-17");
    expect(box.box.lockbox.unlocked).toBe(false);
    await box.restart();
    expect(await codeOf(box.unlock())).toBe("CLOSED");
    expect(await codeOf(taken("open", { bags: [], closing: "22".repeat(32) }))).toBe("CHAIN");
    const opening = await orderOf(box, "open", { bags: [], closing: hex(digest) });
    expect((await takeOrder(box.box, opening)).statement).toBeUndefined();
    await box.unlock();
    const opened = await verifyStatement(nodeHost, oids, (await takeOrder(box.box, opening)).statement as Uint8Array);
    expect(opened.statement.facts["of these"]).toMatch(/locked 1, started 1/);
    expect(await sealOne("a")).toBe("none");
  });

  it("CLOSED: a close that was cut off before its head was signed is no close; the same order again ends it", async () => {
    const close = await orderOf(box, "close", whatOf().close);
    box.hsm.onMoment = (moment) => {
      if (moment === "before-sign") throw new Error("power cut");
    };
    await expect(takeOrder(box.box, close)).rejects.toThrow();
    box.hsm.onMoment = () => undefined;
    await box.restart();
    await box.unlock();
    expect((await takeOrder(box.box, close)).statement).toBeDefined();
    expect(await codeOf(box.unlock())).toBe("CLOSED");
  });

  it("CLOCK: a quorum sets it in both directions by a witnessed reference; the record stays whole", async () => {
    const reference = (seconds: number) => ({ ...whatOf()["set-clock"], referenceTime: fromNow(seconds) });
    expect(await codeOf(taken("set-clock", reference(3600), quorum, { expires: fromNow(7200) }))).toBe("CLOCK");
    box.clocks.offset = 86_400_000;
    await lookAround(box.box, box.work);
    box.box.record("reported", {});
    box.clocks.offset = 0;
    expect(await sealOne("a")).toBe("CLOCK");
    const back = { expires: fromNow(600) };
    await taken("set-clock", reference(0), quorum, back);
    expect(await sealOne("b")).toBe("none");
    await box.restart();
    await box.unlock();
    expect(box.box.fault).toBeUndefined();
    expect(await sealOne("c")).toBe("none");
    expect(clockSetting(box.box)).toMatchObject({ errorSeconds: 2, source: "radio clock" });
    const [row] = box.box.db.prepare<[], string>("SELECT record FROM journal WHERE kind = 'clock-set'").pluck().all();
    expect(JSON.parse(row ?? "")).toMatchObject({ accuracySeconds: 2, reference: "radio clock" });
    box.box.db.exec("DROP TRIGGER journal_unchanged; UPDATE journal SET kind = 'note' WHERE kind = 'clock-set'");
    expect(await codeOf(box.call("verify-journal"))).toBe("CHAIN");
  });

  it("SOFTWARE: other software than the approved one seals nothing until a quorum approves it", async () => {
    const digest = "ab".repeat(32);
    Object.assign(box.box, { software: { digest, version: "0.2.0" } });
    expect(await sealOne("a")).toBe("SOFTWARE");
    await taken("approve-software", { digest, software: "0.2.0" });
    expect(await sealOne("b")).toBe("none");
  });

  it("CHAIN: an order that the token's head knows and the store does not stops the box", async () => {
    const rows = box.box.journal.head().sequence;
    await taken("approve-software", whatOf()["approve-software"]);
    expect(box.hsm.heads.at(-1)?.counter).toBe(2);
    expect(JSON.parse(new TextDecoder().decode(box.hsm.heads.at(-1)?.content))).toMatchObject({ sequence: rows + 1 });
  });
});

describe("what keeps an unlocked box from staying so", () => {
  it("LOCKED: after the policy's seals the box locks itself; a begun batch finishes", async () => {
    box.remove();
    box = await TestBox.make({ unlocked: { seals: 3, seconds: 3600 } });
    await box.unlock();
    const batch = await makeBatch(listOf(5, "a"));
    await box.authorised(batch);
    expect(await box.seal(batch)).toMatchObject({ outcome: "sealed" });
    expect(box.box.lockbox.unlocked).toBe(false);
    expect(await sealOne("b")).toBe("LOCKED");
    await box.unlock();
    expect(await sealOne("c")).toBe("none");
    expect(box.box.lockbox.unlocked).toBe(true);
  });

  it("LOCKED: after the policy's time, before the first signature of a batch, or by itself", async () => {
    box.remove();
    box = await TestBox.make({ unlocked: { seals: 1000, seconds: 60 } });
    await box.unlock();
    const monotonic = box.clocks.monotonic;
    box.clocks.monotonic = () => monotonic() + 61_000;
    box.clocks.offset = 61_000;
    expect(await sealOne("a")).toBe("LOCKED");
    await box.unlock();
    box.clocks.monotonic = () => monotonic() + 130_000;
    box.clocks.offset = 130_000;
    await lookAround(box.box, box.work);
    expect(box.box.lockbox.unlocked).toBe(false);
    const rows = box.box.journal.rows(1, 1000).filter(({ kind }) => kind === "locked");
    expect(rows.map(({ record }) => record)).toEqual(
      rows.map(() => expect.stringContaining("the policy's 60 seconds")),
    );
  });
});
