/** CHAIN across the loss of a disk: a store made anew from exports, the token's head and an order of the quorum. */

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { audit } from "../../appliance/signer/receipt.ts";
import { type Evidence, readEvidence } from "../../appliance/signer/recover/evidence.ts";
import { recoverBox, surveyBox } from "../../appliance/signer/recover/recover-box.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { readFiles } from "../../manifests/encoding/file-stream.ts";
import type { OrderKind } from "../../manifests/records/order.ts";
import { verifyStatement } from "../../manifests/records/statement.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import type { Issued } from "../pki/authority.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { orderOf, quorum } from "./signer/order-of.ts";
import { paperAttesting } from "./signer/paper-attesting.ts";
import { listOf, type MadeBatch, makeBatch, oids, operators, root, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
/** what people kept of the box: path and bytes */
let kept: Map<string, Uint8Array>;
const reason = "water in the vault";

beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
  kept = new Map([["policies/policy-0001.p7m", await signPolicy(box.policy, ["op1", "op2", "op3"])]]);
});
afterEach(() => box.remove());

const name = (number: number, digits: number) => String(number).padStart(digits, "0");

async function sealAndKeep(batch: MadeBatch): Promise<number> {
  await box.authorised(batch);
  await box.seal(batch);
  const number = box.box.db.prepare<[], number>("SELECT max(number) FROM manifests").pluck().get() as number;
  for (const [path, bytes] of await filesOf(box, number)) kept.set(`manifests/${name(number, 6)}/${path}`, bytes);
  return number;
}

const sealed = async (id: string, documents = listOf(2, id)) => {
  const batch = await makeBatch(documents, { batch: id });
  return { batch, number: await sealAndKeep(batch) };
};

async function ordered(kind: OrderKind, what: Json): Promise<void> {
  const p7m = await orderOf(box, kind, what);
  const { number, statement } = await takeOrder(box.box, p7m);
  kept.set(`orders/${name(number, 4)}.p7m`, p7m);
  kept.set(`statements/${name(number, 4)}.p7m`, statement as Uint8Array);
}

/** The disk is gone: nothing of the store is left. */
function loseDisk(): void {
  box.kill();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${box.config.state}/store.db${suffix}`, { force: true });
}

const evidence = (): Promise<Evidence> => readEvidence(nodeHost, memorySource({ files: kept }), box.config);
const pin = () => utf8(rightPin);
const survey = async (beyond = 0) => surveyBox(box.parts(), await evidence(), { beyond, reason }, pin());

/** The next order after those that were kept. */
async function orderFor(what: Json, by: readonly Issued[] = quorum): Promise<Uint8Array> {
  const last = (await evidence()).orders.at(-1);
  const place = { number: (last?.order.number ?? 0) + 1, previous: last ? hex(last.digest) : null };
  return orderOf(box, "recover", what, by, place);
}

/** By the whole way: surveyed, signed, made, opened, unlocked, stated. */
async function recovered(beyond = 0): Promise<Uint8Array> {
  const order = await orderFor((await survey(beyond)) as Json);
  await recoverBox(box.parts(), await evidence(), order, pin());
  await box.open();
  expect(box.box.fault).toBeUndefined();
  await box.unlock();
  const { statement } = await takeOrder(box.box, order);
  expect((await verifyStatement(nodeHost, oids, statement as Uint8Array)).statement.order.kind).toBe("recover");
  return order;
}

describe("a disk that was lost", () => {
  it("CHAIN: numbers, orders and policies go on; the first manifest follows the order that names what is unexplained", async () => {
    await ordered("approve-software", { digest: "11".repeat(32), software: "0.2.0" });
    const { number } = await sealed("a");
    expect(number).toBe(1);
    const before = box.box.journal.head().sequence;
    loseDisk();
    const what = await survey();
    expect(what).toMatchObject({ journal: { sequence: before }, manifests: { last: 1 }, token: { counter: 4 } });
    const order = await recovered();
    const { next, missing } = what.manifests;
    expect(missing).toEqual(next > 2 ? [{ from: 2, to: next - 1 }] : []);
    const later = await sealed("b");
    expect(later.number).toBe(next);
    const files = new Map(await filesOf(box, next));
    expect(manifestIn(files).previous).toBe(hex(sha256(readSignedData(order).content as Uint8Array)));
    const trust = { roots: [root.certificate], genesis: box.config.genesis };
    expect((await verifyBundle(nodeHost, memorySource({ files }), trust)).ok).toBe(true);
    expect(statusOf(box.box, box.work)).toMatchObject({ manifests: { last: next }, orders: { number: 2 } });
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 2 });
    await box.restart();
    expect(box.box.fault).toBeUndefined();
    await box.unlock();
    expect((await sealed("c")).number).toBe(next + 1);
  });

  it("SEAL-ONCE: what was sealed before gets its first receipt again, byte for byte; documents name their earlier seals", async () => {
    const documents = listOf(3, "x");
    const { batch } = await sealed("a", documents);
    const first = await filesOf(box, 1);
    loseDisk();
    await recovered();
    expect(await box.submit(batch, "again")).toMatchObject({ outcome: "already", number: 1 });
    expect([...(await filesOf(box, 1))].sort()).toEqual([...first].sort());
    const { number } = await sealed("b", documents.slice(1));
    const manifest = manifestIn(await filesOf(box, number));
    expect(manifest.documents).toMatchObject({
      earlier: [
        { earlierIndex: 2, earlierNumber: 1, index: 1 },
        { earlierIndex: 3, earlierNumber: 1, index: 2 },
      ],
      earlierCount: 2,
    });
    expect(await auditNames(1)).toEqual([1, 1, 1, 1, number, number, number, number]);
  });

  it("SEAL-ONCE: a receipt with a TPM's log is whole with that log alone, and then given again byte for byte", async () => {
    box.attesting = paperAttesting();
    await box.restart();
    await box.unlock();
    await sealed("a");
    const first = await filesOf(box, 1);
    const log = "manifests/000001/evidence/event-log.bin";
    expect(kept.has(log)).toBe(true);
    kept.set("manifests/000001/evidence/0001.ers", utf8("the desk's, no part of the receipt"));
    loseDisk();
    const [withLog] = (await evidence()).manifests;
    const without = { files: new Map([...kept].filter(([path]) => path !== log)) };
    const [withoutLog] = (await readEvidence(nodeHost, memorySource(without), box.config)).manifests;
    expect([withLog?.whole, withoutLog?.whole]).toEqual([true, false]);
    const changed = { files: new Map(kept).set(log, utf8("another")) };
    expect(await codeOf(readEvidence(nodeHost, memorySource(changed), box.config))).toBe("CHAIN");
    await recovered();
    expect([...(await filesOf(box, 1))].sort()).toEqual([...first].sort());
  });

  it("SEAL-ONCE: with the keeper's three files alone it is not sealed again, and the box says where its receipt is", async () => {
    const { batch } = await sealed("a");
    const three = ["manifest.p7m", "authorization.p7m", "documents.jsonl"].map((one) => `manifests/000001/${one}`);
    kept = new Map([...kept].filter(([path]) => !path.startsWith("manifests/") || three.includes(path)));
    loseDisk();
    await recovered();
    expect(await codeOf(box.submit(batch))).toBe("SEAL-ONCE");
    expect(await box.findSealed(batch)).toBeUndefined();
    expect(await codeOf(filesOf(box, 1))).toBe("SEAL-ONCE");
    expect(await auditNames(1)).toEqual([1, 1, 1]);
  });

  it("CHAIN: numbers that were perhaps used are left out and named, never used twice", async () => {
    await sealed("a");
    const lost = await makeBatch(listOf(1, "lost"), { batch: "lost" });
    await box.authorised(lost);
    await box.seal(lost);
    loseDisk();
    const what = await survey();
    expect(what.manifests.last).toBe(1);
    expect(what.manifests.next).toBeGreaterThan(2);
    expect(what.manifests.missing).toEqual([{ from: 2, to: what.manifests.next - 1 }]);
    await recovered();
    // Nothing knows that it was sealed: it is sealed under a number that cannot be its first one.
    await box.authorised(lost);
    await box.seal(lost);
    expect(manifestIn(await filesOf(box, what.manifests.next)).number).toBe(what.manifests.next);
  });

  it("CHAIN: a gap between manifests at hand is named, and a manifest that does not follow is refused", async () => {
    for (const id of ["a", "b", "c"]) await sealed(id);
    for (const path of [...kept.keys()]) if (path.startsWith("manifests/000002/")) kept.delete(path);
    loseDisk();
    expect((await survey()).manifests.missing[0]).toEqual({ from: 2, to: 2 });
    const moved = new Map([...kept].map(([path, bytes]) => [path.replace("000003", "000002"), bytes]));
    kept = moved;
    expect(await codeOf(evidence())).toBe("CHAIN");
  });

  it("QUORUM: too few officers, another order, another place, or other words than what is at hand make no store", async () => {
    await sealed("a");
    loseDisk();
    const what = await survey();
    const make = async (order: Uint8Array) => codeOf(recoverBox(box.parts(), await evidence(), order, pin()));
    expect(await make(await orderFor(what as Json, [operators.op1]))).toBe("QUORUM");
    expect(await make(await orderOf(box, "resume", { reason }, quorum, { number: 1, previous: null }))).toBe("ORDER");
    expect(await make(await orderOf(box, "recover", what as Json, quorum, { number: 2 }))).toBe("ORDER");
    const smaller = { ...what, manifests: { ...what.manifests, missing: [], next: 2 } };
    const cut = { ...what, journal: { ...what.journal, sequence: what.journal.sequence - 1 } };
    for (const other of [smaller, cut, { ...what, token: { ...what.token, counter: 1 } }]) {
      const same = JSON.stringify(other) === JSON.stringify(what);
      expect([same, await make(await orderFor(other as Json))]).toEqual([false, "ORDER"]);
    }
    const order = await orderFor(what as Json);
    expect(await make(order)).toBe("none");
    expect(await make(order)).toBe("STORE");
    await box.open();
  });

  it("CHAIN: records that were changed, cut or mixed are refused, each by its code", async () => {
    await ordered("approve-software", { digest: "11".repeat(32), software: "0.2.0" });
    await sealed("a");
    loseDisk();
    const whole = new Map(kept);
    const without = async (path: string) => {
      kept = new Map([...whole].filter(([one]) => one !== path));
      return codeOf(evidence());
    };
    const changed = async (path: string) => {
      const bytes = Buffer.from(whole.get(path) as Uint8Array);
      bytes[bytes.length - 20] = (bytes[bytes.length - 20] as number) ^ 1;
      kept = new Map([...whole, [path, bytes]]);
      return codeOf(evidence());
    };
    expect(await without("policies/policy-0001.p7m")).toBe("POLICY-CHAIN");
    expect(await changed("policies/policy-0001.p7m")).toMatch(/^(CMS|DER)/);
    expect(await changed("orders/0001.p7m")).toMatch(/^(CMS|DER)/);
    expect(await changed("statements/0001.p7m")).toMatch(/^(CMS|DER)/);
    expect(await changed("manifests/000001/manifest.p7m")).toMatch(/^(CMS|DER)/);
    expect(await changed("manifests/000001/authorization.p7m")).toBe("CHAIN");
    expect(await changed("manifests/000001/batch.p7m")).toBe("CHAIN");
    expect(await changed("manifests/000001/documents.jsonl")).toMatch(/^(CHAIN|JSON|SHAPE)/);
    expect(await without("manifests/000001/authorization.p7m")).not.toBe("none");
  });

  it("INTENT-FIRST: a making that was cut off goes on; the token's head moves once", async () => {
    await sealed("a");
    loseDisk();
    const order = await orderFor((await survey()) as Json);
    const make = async () => recoverBox(box.parts(), await evidence(), order, pin());
    const heads = box.hsm.heads.at(-1)?.counter as number;
    box.hsm.onMoment = (moment) => {
      if (moment === "before-head") throw new Error("killed");
    };
    await expect(make()).rejects.toThrow("killed");
    box.hsm.onMoment = (moment) => {
      if (moment === "after-head") throw new Error("killed");
    };
    await expect(make()).rejects.toThrow("killed");
    box.hsm.onMoment = () => undefined;
    expect(box.hsm.heads.at(-1)?.counter).toBe(heads + 1);
    await make();
    expect(box.hsm.heads.at(-1)?.counter).toBe(heads + 1);
    await box.open();
    await box.unlock();
    expect(box.box.fault).toBeUndefined();
  });

  it("CHAIN: a token without a head, as a second one is, needs people to say beyond which number nothing was made", async () => {
    await sealed("a");
    loseDisk();
    box.hsm.heads = [];
    box.hsm.genesis = undefined;
    expect(await codeOf(survey())).toBe("ORDER");
    const what = await survey(100);
    expect(what).toMatchObject({ manifests: { last: 1, next: 101 }, token: { counter: null } });
    await recovered(100);
    expect((await sealed("b")).number).toBe(101);
  });

  it("CHAIN: another box's token, and evidence that contradicts the token's head, are refused", async () => {
    await sealed("a");
    loseDisk();
    const [head] = box.hsm.heads.slice(-1);
    const text = new TextDecoder().decode(head?.content);
    const say = (content: string) => {
      box.hsm.heads = [{ counter: head?.counter ?? 0, content: utf8(content) }];
    };
    say(text.replace('"appliance":"box-1"', '"appliance":"box-2"'));
    expect(await codeOf(survey())).toBe("CHAIN");
    const { sequence } = manifestIn(
      new Map([["manifest.p7m", kept.get("manifests/000001/manifest.p7m") as Uint8Array]]),
    ).journal;
    say(text.replace(/"sequence":\d+/, `"sequence":${sequence}`));
    expect(await codeOf(survey())).toBe("CHAIN");
  });

  it("CLOCK: a clock that is before what was recorded makes no store", async () => {
    await sealed("a");
    loseDisk();
    const order = await orderFor((await survey()) as Json);
    box.clocks.offset = -30_000;
    expect(await codeOf(recoverBox(box.parts(), await evidence(), order, pin()))).toBe("CLOCK");
    box.clocks.offset = 0;
    await recoverBox(box.parts(), await evidence(), order, pin());
    await box.open();
  });

  it("CHAIN: what the store kept of the lost one cannot be changed unseen, nor where its journal goes on", async () => {
    await sealed("a");
    loseDisk();
    await recovered();
    const drop = (table: string) => box.box.db.exec(`DROP TRIGGER ${table}_unchanged; DROP TRIGGER ${table}_kept`);
    drop("recovered_files");
    const save = box.box.db
      .prepare<[], Uint8Array>("SELECT bytes FROM recovered_files WHERE path = 'batch.p7m'")
      .pluck();
    const bytes = save.get() as Uint8Array;
    const put = box.box.db.prepare("UPDATE recovered_files SET bytes = ? WHERE path = 'batch.p7m'");
    put.run(Buffer.from("other"));
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
    put.run(bytes);
    expect(await codeOf(verifyRecord(box.box))).toBe("none");
    drop("recovered");
    box.box.db.exec("PRAGMA foreign_keys = OFF; UPDATE recovered SET identity = zeroblob(32)");
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
  });

  it("CHAIN: a store made anew can be lost again", async () => {
    await sealed("a");
    loseDisk();
    const first = await recovered();
    kept.set("orders/0001.p7m", first);
    const { number } = await sealed("b");
    loseDisk();
    await recovered();
    const later = await sealed("c");
    expect(later.number).toBeGreaterThan(number);
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 3 });
  });
});

/** Numbers of the files that the keeper gets. */
async function auditNames(from: number): Promise<readonly number[]> {
  async function* stream() {
    yield* audit(box.box, from);
  }
  const numbers: number[] = [];
  for await (const part of readFiles(stream())) {
    if ("path" in part && /^\d/.test(part.path)) numbers.push(Number(part.path.split("/")[0]));
  }
  return numbers;
}
