/** CHAIN, CLOCK, GAP, PIN: what the signer refuses when its record, its clock, its network or its visitor is not right. */

import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reject } from "../../appliance/signer/authorize.ts";
import { createBox } from "../../appliance/signer/create-box.ts";
import { refuse } from "../../appliance/signer/refuse.ts";
import { chunk, mostUnderWay } from "../../appliance/signer/seal-documents.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { concat, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { readRefusalFile } from "../../manifests/records/refusal-record.ts";
import type { RequestHead } from "../../manifests/records/request.ts";
import { requestBytes } from "../../manifests/records/request-stream.ts";
import type { Refusal } from "../../manifests/refusal.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { dissent, listOf, makeBatch, oids, operators, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, loopbackOnly, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
});
afterEach(() => box.remove());

const storeFile = () => join(box.config.state, "store.db");

/** Changes the closed store behind the signer's back. */
function edit(...statements: readonly string[]): void {
  const db = new Database(storeFile());
  for (const statement of statements) db.exec(statement);
  db.close();
}

/** Changes rows and puts the table's trigger back, as a careful forger would. */
function forge(table: string, what: "unchanged" | "kept", ...statements: readonly string[]): void {
  const db = new Database(storeFile());
  db.pragma("foreign_keys = OFF");
  const trigger = `${table}_${what}`;
  const sql = db.prepare("SELECT sql FROM sqlite_master WHERE name = ?").pluck().get(trigger) as string;
  db.exec(`DROP TRIGGER ${trigger}`);
  for (const statement of statements) db.exec(statement);
  db.exec(sql);
  db.close();
}

/** Changes rows of the open store, past what is verified when it is opened. */
function editOpen(table: string, ...statements: readonly string[]): void {
  box.box.db.exec(`DROP TRIGGER ${table}_unchanged`);
  for (const statement of statements) box.box.db.exec(statement);
}

async function sealed(seed: string): Promise<void> {
  const batch = await makeBatch(listOf(2, seed), { batch: seed });
  await box.authorised(batch);
  await box.seal(batch);
}

describe("CHAIN", () => {
  it.each([
    [
      "its record",
      "UPDATE journal SET record = replace(record, '\"count\":2', '\"count\":3') WHERE kind = 'challenge'",
      "challenge",
    ],
    ["its time", "UPDATE journal SET time = '2020-01-01T00:00:00Z' WHERE kind = 'reserved'", "reserved"],
    ["its kind", "UPDATE journal SET kind = 'reported' WHERE kind = 'pin-try'", "pin-try"],
    ["its digest", "UPDATE journal SET digest = zeroblob(32) WHERE kind = 'authorized'", "authorized"],
  ])(
    "CHAIN: a journal row is named when %s was edited, and the box does nothing any more",
    async (_, statement, kind) => {
      await box.unlock();
      await sealed("a");
      const sequence = box.box.db.prepare("SELECT sequence FROM journal WHERE kind = ?").pluck().get(kind) as number;
      box.kill();
      forge("journal", "unchanged", statement);
      await box.open();
      const fault = box.box.fault as Refusal;
      expect(fault.code).toBe("CHAIN");
      expect(fault.about).toBe(`row ${sequence}`);
      expect(await codeOf(box.unlock())).toBe("CHAIN");
      expect(box.hsm.logins).toBe(2);
      const batch = await makeBatch(listOf(1, "b"));
      expect(await codeOf(box.submit(batch))).toBe("CHAIN");
      expect(
        await codeOf(refuse(box.box, { folder: "x", batchDigest: null, code: "DER", message: "x", reported: {} })),
      ).toBe("CHAIN");
      expect(statusOf(box.box, box.work)).toMatchObject({ fault: { code: "CHAIN" }, locked: true });
    },
  );

  it.each([
    ["a row in the middle", "DELETE FROM journal WHERE kind = 'authorized'"],
    ["the first row", "DELETE FROM journal WHERE sequence = 1"],
    ["every row", "DELETE FROM journal"],
  ])("CHAIN: a journal that lost %s is refused", async (_, statement) => {
    await box.unlock();
    const batch = await makeBatch(listOf(1, "a"));
    await box.authorised(batch);
    box.kill();
    forge("journal", "kept", statement);
    await box.open();
    expect(box.box.fault?.code).toBe("CHAIN");
  });

  it("CHAIN: rows cut off the end are found against the token's head", async () => {
    await box.unlock();
    await sealed("a");
    copyFileSync(storeFile(), `${storeFile()}.old`);
    await sealed("b");
    box.kill();
    copyFileSync(storeFile(), `${storeFile()}.new`);
    restore(`${storeFile()}.old`);
    await box.open();
    expect(box.box.fault).toBeUndefined();
    const fault = await box.unlock().catch((thrown: unknown) => thrown as Refusal);
    expect(fault).toMatchObject({ code: "CHAIN" });
    expect((fault as Refusal).message).toContain("ahead of the store");
    expect(box.hsm.loggedIn).toBe(false);
    expect(await codeOf(box.unlock())).toBe("CHAIN");
    box.kill();
    restore(`${storeFile()}.new`);
    await box.open();
    await box.unlock();
  });

  it("CHAIN: an old disk that went on by itself is found, whatever its length", async () => {
    await box.unlock();
    await sealed("a");
    await box.restart();
    copyFileSync(storeFile(), `${storeFile()}.old`);
    await box.unlock();
    await sealed("b");
    box.kill();
    restore(`${storeFile()}.old`);
    await box.open();
    for (let row = 0; row < 40; row++) box.box.record("reported", { kind: "noise", reported: {} });
    const fault = (await box.unlock().catch((thrown: unknown) => thrown)) as Refusal;
    expect(fault.code).toBe("CHAIN");
    expect(fault.message).toContain("is not the one that the token's head names");
  });

  it("CHAIN: a token that was rolled back is found", async () => {
    await box.unlock();
    const { heads } = box.hsm;
    await sealed("a");
    await box.restart();
    box.hsm.heads = heads;
    expect(await codeOf(box.unlock())).toBe("CHAIN");
  });

  it("CHAIN: a token without a head is refused", async () => {
    box.hsm.heads = [];
    expect(await codeOf(box.unlock())).toBe("CHAIN");
  });

  it.each([
    ["manifests", "UPDATE manifests SET outcome = 'aborted'", "unchanged"],
    ["manifests", "UPDATE manifests SET p7m = CAST(substr(p7m, 1, length(p7m) - 1) || x'00' AS BLOB)", "unchanged"],
    ["register", "DELETE FROM register", "kept"],
    ["authorizations", "UPDATE authorizations SET p7m = x'00'", "unchanged"],
    ["challenges", "UPDATE challenges SET content = x'7b7d'", "unchanged"],
    ["policies", "UPDATE policies SET digest = zeroblob(32)", "unchanged"],
  ] as const)("CHAIN: a changed row of %s is found against the journal: %s", async (table, statement, trigger) => {
    await box.unlock();
    await sealed("a");
    box.kill();
    forge(table, trigger, statement);
    const opened = await codeOf(box.open());
    expect(opened === "none" ? box.box.fault?.code : opened).toBe("CHAIN");
  });

  const rowEdits = [
    ["requests", "UPDATE requests SET bytes = bytes + 1"],
    ["requests", "UPDATE requests SET count = count - 1"],
    ["requests", "UPDATE requests SET identity = zeroblob(32)"],
    ["requests", "UPDATE requests SET submitter_key = zeroblob(32)"],
    ["requests", "UPDATE requests SET submitter_name = 'CN=Somebody else'"],
    ["requests", "UPDATE requests SET submitter_certificate = zeroblob(9)"],
    ["requests", "UPDATE requests SET file_digest = zeroblob(32)"],
    ["requests", "UPDATE requests SET head = replace(head, 'Q4', 'Q3')"],
    ["documents", "UPDATE documents SET size = size + 1 WHERE idx = 70"],
    ["request_parts", "UPDATE request_parts SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB)"],
  ] as const;

  it.each(rowEdits)("CHAIN: an authorised batch whose row of %s was edited is not sealed: %s", async (table, edit) => {
    const batch = await makeBatch(listOf(100, "a"));
    await box.authorised(batch);
    await box.unlock();
    editOpen(table, edit);
    expect(await codeOf(box.seal(batch))).toBe("CHAIN");
    expect(box.hsm.sealed).toEqual([]);
  });

  it.each(rowEdits)(
    "CHAIN: a batch whose row of %s was edited in the middle is not gone on with: %s",
    async (table, edit) => {
      await box.unlock();
      const batch = await makeBatch(listOf(100, "a"));
      await box.authorised(batch);
      const sealing = box.seal(batch, (done) => {
        if (done === 64) void box.box.lockbox.lock("test");
      });
      expect(await codeOf(sealing)).toBe("LOCKED");
      await box.unlock();
      editOpen(table, edit);
      const before = box.hsm.sealed.length;
      expect(await codeOf(box.seal(batch))).toBe("CHAIN");
      expect(box.hsm.sealed.length).toBe(before);
    },
  );

  it("CHAIN: another request under the approved one's challenge is not sealed, however well its rows fit each other", async () => {
    const batch = await makeBatch(listOf(3, "a"));
    await box.authorised(batch);
    const { head } = box.box.batches.find(batch.batchDigest);
    await box.unlock();
    const [first, ...others] = batch.documents;
    const changed = [{ ...(first as (typeof others)[number]), name: "other.pdf" }, ...others];
    const digest = hex(sha256(concat([...requestBytes(head as RequestHead, changed)])));
    editOpen("requests", `UPDATE requests SET batch_digest = x'${digest}'`);
    editOpen("documents", "UPDATE documents SET name = 'other.pdf' WHERE idx = 1");
    expect(await codeOf(box.work.seal(digest, () => undefined))).toBe("CHAIN");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("CHAIN: a store whose triggers were taken away does not open", async () => {
    box.kill();
    edit("DROP TRIGGER journal_kept");
    expect(await codeOf(box.open())).toBe("CHAIN");
  });

  it.each([
    "journal",
    "intents",
    "signatures",
    "requests",
    "manifests",
    "policies",
    "challenges",
    "authorizations",
    "endings",
    "reservations",
    "register",
    "heads",
    "documents",
    "request_parts",
  ])("CHAIN: the store refuses to change or delete rows of %s", async (table) => {
    await box.unlock();
    await sealed("a");
    const rejected = await makeBatch(listOf(1, "b"), { batch: "b" });
    const challenge = await box.challenge(rejected);
    await reject(box.box, rejected.batchDigest, await dissent(challenge, "rejection", operators.op3));
    const { db } = box.box;
    const column = (db.prepare("SELECT name FROM pragma_table_info(?)").pluck().get(table) as string) ?? "";
    expect(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()).toBeGreaterThan(0);
    expect(() => db.exec(`UPDATE ${table} SET ${column} = ${column}`)).toThrow("kept as it is");
    expect(() => db.exec(`DELETE FROM ${table}`)).toThrow("kept as it is");
  });

  it("STORE: only the ceremony makes a store, and never over another", async () => {
    box.kill();
    const genesis = await signPolicy(box.policy, ["op1", "op2", "op3"]);
    box.hsm.heads = [];
    const parts = {
      config: box.config,
      host: nodeHost,
      hsm: box.hsm,
      clocks: box.clocks,
      readLinks: () => loopbackOnly,
      software: { digest: "", version: "" },
    };
    expect(await codeOf(createBox(parts, genesis, utf8(rightPin)))).toBe("STORE");
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${storeFile()}${suffix}`, { force: true });
    expect(await codeOf(box.open())).toBe("STORE");
    expect(existsSync(storeFile())).toBe(false);
    await createBox(parts, genesis, utf8(rightPin));
    await box.open();
  });

  it("CHAIN: a token that holds a head is no token for a new box", async () => {
    box.kill();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${storeFile()}${suffix}`, { force: true });
    const parts = {
      config: box.config,
      host: nodeHost,
      hsm: box.hsm,
      clocks: box.clocks,
      readLinks: () => loopbackOnly,
      software: { digest: "", version: "" },
    };
    const genesis = await signPolicy(box.policy, ["op1", "op2", "op3"]);
    expect(await codeOf(createBox(parts, genesis, utf8(rightPin)))).toBe("CHAIN");
    expect(existsSync(storeFile())).toBe(false);
    box.hsm.heads = [];
    await createBox(parts, genesis, utf8(rightPin));
    await box.open();
  });

  /** Puts a copy of the store file in place; what the write-ahead log held belongs to the other one. */
  function restore(copy: string): void {
    for (const suffix of ["-wal", "-shm"]) rmSync(`${storeFile()}${suffix}`, { force: true });
    copyFileSync(copy, storeFile());
  }
});

describe("locked", () => {
  it("LOCKED: after every start the box takes batches and approvals, and seals nothing", async () => {
    await box.unlock();
    await box.restart();
    const batch = await makeBatch(listOf(2, "a"));
    await box.authorised(batch);
    expect(await codeOf(box.seal(batch))).toBe("LOCKED");
    expect(box.hsm.sealed).toEqual([]);
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
  });

  it("LOCKED: a refusal is signed when unlocked, else marked unsigned, and journalled in both cases", async () => {
    const what = {
      folder: "batch-1",
      batchDigest: null,
      code: "DER" as const,
      message: "not strict DER",
      reported: { by: "intake" },
    };
    const unsigned = await refuse(box.box, what);
    expect(unsigned.signed).toBe(false);
    const { reported: details, ...words } = what;
    expect(readRefusalFile(unsigned.bytes)).toMatchObject({ signed: false, reported: { ...words, details } });
    await box.unlock();
    const signed = await refuse(box.box, what);
    expect(signed.signed).toBe(true);
    const data = readSignedData(signed.bytes);
    expect(data.eContentType).toBe(oids.refusal);
    const record = readRefusalFile(data.content as Uint8Array);
    expect(record).toMatchObject({ signed: true, reported: { ...words, details } });
    const rows = box.box.db.prepare("SELECT record FROM journal WHERE kind = 'refused'").pluck().all() as string[];
    expect(rows.map((row) => JSON.parse(row))).toEqual([{ reported: record.reported }, { reported: record.reported }]);
  });

  it("HONEST: whatever the daemon says of a batch stands under reported, and nothing else of the record is its word", async () => {
    await box.unlock();
    const batch = await makeBatch(listOf(2, "a"));
    await box.challenge(batch);
    const said = { folder: "batch-1", batchDigest: batch.batchDigest, code: "QUORUM" as const, message: "signer: no" };
    const { bytes } = await refuse(box.box, { ...said, reported: { code: "CHAIN" } });
    const { reported, ...own } = readRefusalFile(readSignedData(bytes).content as Uint8Array);
    expect(reported).toEqual({ ...said, details: { code: "CHAIN" } });
    const words = JSON.stringify(own);
    for (const word of Object.values(said)) expect(words).not.toContain(word);
  });

  it("BATCH-STATE: a batch that has a manifest was not refused: no refusal of it is composed or journalled", async () => {
    await box.unlock();
    const batch = await makeBatch(listOf(2, "a"));
    await box.authorised(batch);
    const said = {
      folder: "batch-1",
      batchDigest: batch.batchDigest,
      code: "DER" as const,
      message: "x",
      reported: {},
    };
    expect((await refuse(box.box, said)).signed).toBe(true);
    await box.seal(batch);
    expect(await codeOf(refuse(box.box, said))).toBe("BATCH-STATE");
    expect(box.box.db.prepare("SELECT count(*) FROM journal WHERE kind = 'refused'").pluck().get()).toBe(1);
  });
});

describe("PIN", () => {
  it("PIN-LOCKED: three wrong PINs make everyone wait, also after a restart, and the wait doubles", async () => {
    for (let wrong = 0; wrong < 3; wrong++) expect(await codeOf(box.unlock("wrong"))).toBe("PIN-WRONG");
    expect(box.hsm.logins).toBe(1 + 3);
    expect(await codeOf(box.unlock())).toBe("PIN-LOCKED");
    await box.restart();
    expect(await codeOf(box.unlock())).toBe("PIN-LOCKED");
    expect(box.hsm.logins).toBe(1 + 3);
    box.clocks.offset += 31_000;
    expect(await codeOf(box.unlock("wrong"))).toBe("PIN-WRONG");
    box.clocks.offset += 31_000;
    expect(await codeOf(box.unlock())).toBe("PIN-LOCKED");
    box.clocks.offset += 30_000;
    await box.unlock();
    expect(statusOf(box.box, box.work)).toMatchObject({ locked: false, pin: { failures: 0, waitUntil: null } });
  });

  it("PIN-LOCKED: a try is counted before it is checked: killed in the check, it counts", async () => {
    for (let kill = 0; kill < 3; kill++) {
      box.hsm.login = async () => {
        box.kill();
        throw new Error("killed");
      };
      await expect(box.unlock()).rejects.toThrow("killed");
      await box.open();
    }
    expect(await codeOf(box.unlock())).toBe("PIN-LOCKED");
  });

  it("PIN-LOCKED: tries that come at the same time are counted one after another", async () => {
    const tries = Array.from({ length: 8 }, () => codeOf(box.unlock("wrong")));
    expect((await Promise.all(tries)).filter((code) => code === "PIN-WRONG").length).toBe(3);
  });

  it("SECRET: the PIN is wiped, right or wrong", async () => {
    for (const pin of [utf8("wrong"), utf8(rightPin)]) {
      await box.box.lockbox.unlock(pin).catch(() => undefined);
      expect([...pin].every((byte) => byte === 0)).toBe(true);
    }
  });
});

describe("CLOCK", () => {
  it("CLOCK: a clock before the last recorded time refuses to seal, also after a restart; it takes batches", async () => {
    await box.unlock();
    const batch = await makeBatch(listOf(2, "a"));
    await box.authorised(batch);
    box.clocks.offset -= 600_000;
    expect(await codeOf(box.seal(batch))).toBe("CLOCK");
    await box.restart();
    await box.unlock();
    expect(await codeOf(box.seal(batch))).toBe("CLOCK");
    expect(statusOf(box.box, box.work)).toMatchObject({ clock: { refused: "CLOCK" } });
    box.clocks.offset += 600_000;
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
  });

  it("CLOCK: steps of a second or more are journalled, and time never runs backwards", async () => {
    box.clocks.offset += 5000;
    box.box.record("reported", { kind: "a", reported: {} });
    box.clocks.offset -= 5000;
    box.box.record("reported", { kind: "b", reported: {} });
    const rows = box.box.journal.rows(1, 100);
    expect(rows.filter(({ kind }) => kind === "clock-step").map(({ record }) => JSON.parse(record).seconds)).toEqual([
      5, -5,
    ]);
    const times = rows.map(({ time }) => time);
    expect(times).toEqual([...times].sort());
  });

  it("CLOCK: a claimed error over the policy's limit refuses to seal", async () => {
    const batch = await makeBatch(listOf(2, "a"), { expires: "2090-01-01T00:00:00Z" });
    await box.unlock();
    box.clocks.offset += 3 * 365 * 86_400_000;
    await box.authorised(batch);
    expect(await codeOf(box.seal(batch))).toBe("CLOCK");
  });
});

describe("GAP", () => {
  const eth0 = `${loopbackOnly}  eth0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n`;

  it("GAP: a link other than loopback stops a box whose policy calls that fatal", async () => {
    box.remove();
    box = await TestBox.make({ network: "fatal" });
    await box.unlock();
    const batch = await makeBatch(listOf(2, "a"));
    await box.authorised(batch);
    box.links = eth0;
    expect(await codeOf(box.seal(batch))).toBe("GAP");
    expect(box.hsm.sealed).toEqual([]);
    box.links = loopbackOnly;
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
  });

  it("GAP: a link that comes in the middle stops: what is under way is finished, nothing more is begun", async () => {
    box.remove();
    box = await TestBox.make({ network: "fatal" });
    await box.unlock();
    const batch = await makeBatch(listOf(200, "a"));
    await box.authorised(batch);
    const sealing = box.seal(batch, (done) => {
      if (done === 64) box.links = eth0;
    });
    expect(await codeOf(sealing)).toBe("GAP");
    expect(box.hsm.sealed.length).toBe(chunk * mostUnderWay);
  });

  it("HONEST: a link that was there only in the middle of a batch stays in its manifest, also after a restart", async () => {
    await box.unlock();
    const batch = await makeBatch(listOf(300, "a"));
    await box.authorised(batch);
    const sealing = box.seal(batch, (done) => {
      box.links = done === 64 ? eth0 : loopbackOnly;
      if (done === 192) void box.box.lockbox.lock("test");
    });
    expect(await codeOf(sealing)).toBe("LOCKED");
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(manifestIn(await filesOf(box, 1)).labels.network).toBe("present-recorded");
    const seen = box.box.db.prepare("SELECT network FROM attempts ORDER BY attempt").pluck().all();
    expect(seen).toEqual(["absent", "present-recorded", "absent"]);
  });

  it.each(["", "nonsense\n", eth0.replace(/.*lo:.*\n/, "")])(
    "GAP: links that cannot be known stop every box",
    async (text) => {
      await box.unlock();
      const batch = await makeBatch(listOf(2, "a"));
      await box.authorised(batch);
      box.links = text;
      expect(await codeOf(box.seal(batch))).toBe("GAP");
    },
  );
});
