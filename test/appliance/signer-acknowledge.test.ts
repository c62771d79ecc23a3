import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeAcknowledgement } from "../../appliance/signer/acknowledgements.ts";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { additions } from "../../appliance/signer/schema.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { openStore } from "../../appliance/signer/store.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import type { Acknowledgement } from "../../manifests/log/acknowledgement.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { TestLedger } from "../manifests/log/test-ledger.ts";
import { LedgerBox } from "./signer/ledger-box.ts";
import { following, fromNow, listOf, makeBatch, root, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let ledgerBox: LedgerBox;
let box: TestBox;
let ledger: TestLedger;

async function make(change: Parameters<typeof LedgerBox.make>[0] = {}): Promise<void> {
  box?.remove();
  ledgerBox = await LedgerBox.make(change);
  ({ box, ledger } = ledgerBox);
}

beforeEach(() => make());
afterEach(() => box.remove());

const take = async (wanted: Parameters<LedgerBox["acknowledgement"]>[0] = {}) =>
  takeAcknowledgement(box.box, await ledgerBox.acknowledgement(wanted));
const rows = () => box.box.db.prepare<[], number>("SELECT count(*) FROM acknowledgements").pluck().get();
const told = () => box.box.db.prepare<[], string>("SELECT kind FROM journal").pluck().all();
const status = () => statusOf(box.box, box.work) as { readonly manifests: object; readonly ledger: object | null };
const manifestOf = async (number: number) => manifestIn(await filesOf(box, number));
const other = "ef".repeat(32);

async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  const fault = await promise.catch((thrown: unknown) => thrown);
  if (fault instanceof Refusal) return fault;
  throw new Error("nothing was refused");
}

describe("acknowledgements", () => {
  it("ACKNOWLEDGEMENT: what the ledger holds is known from then on, and the next manifest says under which checkpoint", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.seal("two");
    expect(status()).toMatchObject({
      manifests: { last: 2, unacknowledged: 2 },
      ledger: { manifests: 2, number: 0, origin: "ledger.example/log", size: 0, since: (await manifestOf(1)).created },
    });
    await ledgerBox.hold(1, 2);
    const head = ledger.head();
    expect(await take()).toBe(2);
    expect(status()).toMatchObject({
      manifests: { last: 2, unacknowledged: 0 },
      ledger: { manifests: 0, number: 2, root: hex(head.root), size: head.size, since: null },
    });
    await ledgerBox.seal("three");
    expect(await manifestOf(2)).not.toHaveProperty("acknowledged");
    const acknowledged = { number: 2, root: hex(head.root), size: head.size };
    expect((await manifestOf(3)).acknowledged).toEqual(acknowledged);
    expect(status().manifests).toEqual({ last: 3, unacknowledged: 1 });
    const source = memorySource({ files: new Map(await filesOf(box, 3)) });
    const trust = { roots: [root.certificate], genesis: box.config.genesis, at: fromNow(60) };
    expect((await verifyBundle(nodeHost, source, trust)).findings).toEqual([]);
  });

  it("ACKNOWLEDGEMENT: is durable and journalled; the same one again, and one that says nothing new, changes nothing", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    const p7m = await ledgerBox.acknowledgement();
    expect(await takeAcknowledgement(box.box, p7m)).toBe(1);
    await box.restart();
    await verifyRecord(box.box);
    const before = told();
    expect(before.filter((kind) => kind === "acknowledged")).toHaveLength(1);
    expect(await takeAcknowledgement(box.box, p7m)).toBe(1);
    // Signed anew: the same content, another file.
    expect(await take()).toBe(1);
    expect([rows(), told()]).toEqual([1, before]);
    // Also when a later one came in meanwhile.
    await ledger.fill(2);
    expect(
      await take({
        from: [box.box.db.prepare<[], number>("SELECT size FROM acknowledgements").pluck().get() as number],
      }),
    ).toBe(1);
    expect(await takeAcknowledgement(box.box, p7m)).toBe(1);
    expect(rows()).toBe(2);
  });

  it("ACKNOWLEDGEMENT: by the socket, as the daemon hands it over, also while the box is locked", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    await box.restart();
    const { result } = await box.call("acknowledge", {}, await ledgerBox.acknowledgement());
    expect(result).toEqual({ number: 1 });
    expect(await codeOf(box.call("acknowledge", {}, new Uint8Array(10)))).toBe("DER");
  });

  it("ACKNOWLEDGEMENT: a smaller tree loses nothing, and none of the proofs fitting is told with the size that is needed", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    const early = ledger.size;
    const first = await ledgerBox.acknowledgement();
    await ledgerBox.seal("two");
    await ledgerBox.hold(2);
    expect(await take()).toBe(2);
    const stands = ledger.size;
    expect(await codeOf(takeAcknowledgement(box.box, first))).toBe("ACKNOWLEDGEMENT");
    await ledgerBox.seal("three");
    await ledgerBox.hold(3);
    expect(await refusalOf(take({ from: [early] }))).toMatchObject({
      code: "ACKNOWLEDGEMENT",
      expected: `one from size ${stands}`,
      got: `from ${early}`,
    });
    expect(status().ledger).toMatchObject({ number: 2, size: stands });
    // By what the box reported, and by what it took since.
    expect(await take({ from: [early, stands], above: 0 })).toBe(3);
    expect(rows()).toBe(2);
  });

  it("LOG-PROOF: a log that forked since is found out, and the box stays where it stood", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    await take();
    const forked = await TestLedger.make();
    await forked.fill(4);
    await forked.hold(ledgerBox.name, ledgerBox.held(1));
    const box1 = { box: ledgerBox.name };
    expect(await codeOf(takeAcknowledgement(box.box, await forked.acknowledgement(box1)))).toBe("LOG-PROOF");
    await forked.fill(6);
    const grown = await forked.acknowledgement({ ...box1, from: [ledger.size] });
    expect(await codeOf(takeAcknowledgement(box.box, grown))).toBe("LOG-PROOF");
    expect(status().ledger).toMatchObject({ number: 1, size: ledger.size });
  });

  it("ACKNOWLEDGEMENT: a manifest that this box made otherwise, or not at all, or that is left out", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.seal("two");
    await ledgerBox.seal("three");
    await ledger.hold(ledgerBox.name, ledgerBox.held(1), { number: 2, digest: other }, ledgerBox.held(3));
    expect(await refusalOf(take())).toMatchObject({ code: "ACKNOWLEDGEMENT", about: "manifest 2", got: other });
    await ledger.hold(ledgerBox.name, { number: 4, digest: other });
    expect(await refusalOf(take({ above: 3 }))).toMatchObject({ code: "ACKNOWLEDGEMENT", expected: "at most 3" });
    const without2 = (one: Acknowledgement): Acknowledgement => ({
      ...one,
      acknowledged: one.acknowledged.filter(({ number }) => number === 1 || number === 3),
      number: 3,
    });
    expect(await refusalOf(take({ change: without2 }))).toMatchObject({
      code: "ACKNOWLEDGEMENT",
      expected: "manifest 2",
    });
    // Nothing above is named, and more is claimed.
    const only1 = (one: Acknowledgement): Acknowledgement => ({
      ...without2(one),
      acknowledged: one.acknowledged.slice(0, 1),
    });
    expect(await codeOf(take({ change: only1 }))).toBe("ACKNOWLEDGEMENT");
    expect([rows(), status().manifests]).toEqual([0, { last: 3, unacknowledged: 3 }]);
    expect(await take({ change: (one) => ({ ...only1(one), number: 1 }) })).toBe(1);
    const less = async () => take({ change: (one) => ({ ...one, acknowledged: [], number: 1 }) });
    expect(await less()).toBe(1);
  });

  it("ACKNOWLEDGEMENT: a ledger that claims less than it acknowledged before", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.seal("two");
    await ledgerBox.hold(1, 2);
    expect(await take()).toBe(2);
    const stands = ledger.size;
    await ledger.fill(2);
    const less = take({ from: [stands], change: (one) => ({ ...one, acknowledged: [], number: 1 }) });
    expect(await refusalOf(less)).toMatchObject({ code: "ACKNOWLEDGEMENT", expected: "manifest 2 or more", got: "1" });
  });

  it("ACKNOWLEDGEMENT: a box whose policy names no ledger takes none, and its manifests are as they always were", async () => {
    const plain = await TestBox.make();
    try {
      await plain.unlock();
      const batch = await makeBatch(listOf(1, "plain"), { batch: "plain" });
      await plain.authorised(batch);
      await plain.seal(batch);
      const [first, second] = Object.keys(manifestIn(await filesOf(plain, 1)));
      expect([first, second]).toEqual(["appliance", "authorization"]);
      const p7m = await ledger.acknowledgement({ box: ledgerBox.name });
      expect(await codeOf(takeAcknowledgement(plain.box, p7m))).toBe("ACKNOWLEDGEMENT");
      expect(statusOf(plain.box, plain.work)).toMatchObject({
        ledger: null,
        manifests: { last: 1, unacknowledged: 1 },
      });
    } finally {
      plain.remove();
    }
  });

  it("ACKNOWLEDGEMENT: with another log in the policy the box stands at its beginning; with other witnesses of the same log it goes on", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    await take();
    const rules = { ...ledger.rules(), cosignatures: 2 };
    const second = following(box.policy, { ledger: rules });
    await importPolicy(box.box, await signPolicy(second, ["op1", "op2"]));
    expect(status().ledger).toMatchObject({ number: 1, size: ledger.size });
    const newLedger = await TestLedger.make("second.example/log");
    const third = following(second, { ledger: newLedger.rules() });
    await importPolicy(box.box, await signPolicy(third, ["op1", "op2"]));
    expect(status()).toMatchObject({
      ledger: { number: 0, size: 0, manifests: 1 },
      manifests: { last: 1, unacknowledged: 1 },
    });
    await newLedger.hold(ledgerBox.name, ledgerBox.held(1));
    expect(await takeAcknowledgement(box.box, await newLedger.acknowledgement({ box: ledgerBox.name }))).toBe(1);
    await verifyRecord(box.box);
  });
});

describe("manifests that wait for an acknowledgement", () => {
  it("UNACKNOWLEDGED: so many may wait and no more, until the ledger acknowledged some", async () => {
    await make({ outstanding: { hours: 24, manifests: 2 } });
    await ledgerBox.seal("one");
    await ledgerBox.seal("two");
    expect(await refusalOf(ledgerBox.seal("three"))).toMatchObject({
      code: "UNACKNOWLEDGED",
      expected: "at most 2 after manifest 0",
      got: "3",
    });
    expect(status().ledger).toMatchObject({ limits: { hours: 24, manifests: 2 }, manifests: 2 });
    await ledgerBox.hold(1);
    await take();
    expect(await ledgerBox.seal("four")).toBe(3);
    expect(await codeOf(ledgerBox.seal("five"))).toBe("UNACKNOWLEDGED");
  });

  it("UNACKNOWLEDGED: none waits longer than the policy says, from the first on", async () => {
    await make({ outstanding: { hours: 2, manifests: 100 } });
    await ledgerBox.seal("one");
    box.clocks.offset = 3_600_000;
    await ledgerBox.seal("in-time");
    box.clocks.offset = 2.5 * 3_600_000;
    expect(await codeOf(ledgerBox.seal("late"))).toBe("UNACKNOWLEDGED");
    await ledgerBox.hold(1);
    await take();
    // Now the second is the first that waits.
    expect(await ledgerBox.seal("later")).toBe(3);
  });
});

describe("the record of acknowledgements", () => {
  it("CHAIN: a row that was changed or is gone stops the box", async () => {
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    await take();
    const { db } = box.box;
    for (const name of ["unchanged", "kept"]) db.exec(`DROP TRIGGER acknowledgements_${name}`);
    db.exec("UPDATE acknowledgements SET number = 0");
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
    db.exec("UPDATE acknowledgements SET number = 1");
    await verifyRecord(box.box);
    db.exec("DELETE FROM acknowledgements");
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
  });

  const path = () => `${box.config.state}/store.db`;
  /** As a version without acknowledgements left it. */
  function withoutTable(...kept: readonly string[]): void {
    box.kill();
    const db = new Database(path());
    for (const name of ["unchanged", "kept"].filter((one) => !kept.includes(one))) {
      db.exec(`DROP TRIGGER acknowledgements_${name}`);
    }
    if (kept.length === 0) db.exec("DROP TABLE acknowledgements");
    db.close();
  }

  it("STORE: a store of an earlier version gets the table, and goes on", async () => {
    await ledgerBox.seal("one");
    withoutTable();
    expect(additions).toHaveLength(1);
    await box.open();
    await verifyRecord(box.box);
    await box.unlock();
    await ledgerBox.hold(1);
    expect(await take()).toBe(1);
    expect(await ledgerBox.seal("two")).toBe(2);
  });

  it("CHAIN: a table that is there in part is no earlier version's, and one that was dropped with what was in it is missed", async () => {
    withoutTable("kept");
    expect(() => openStore(path())).toThrow(/lacks something it was made with/);
    await make();
    await ledgerBox.seal("one");
    await ledgerBox.hold(1);
    await take();
    withoutTable();
    await box.open();
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
  });
});
