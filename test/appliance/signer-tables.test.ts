/** CHAIN: a changed byte in any table that a manifest, a decision or a seal hangs on is found when the store is opened, and named. */

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { orderAbort, reject } from "../../appliance/signer/authorize.ts";
import { stageRevocation } from "../../appliance/signer/stage-revocation.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import type { Refusal } from "../../manifests/refusal.ts";
import { makeCrl } from "../pki/crl.ts";
import { dissent, fromNow, listOf, makeBatch, operators, otherSubmitter, root } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

/**
 * A store with everything in it: manifest 1 sealed; 2 aborted in the middle; a rejected batch, and another submitter's equal
 * one, rejected too; an authorised and a challenged batch; number 3 sealed in part.
 */
const kept = mkdtempSync(join(tmpdir(), "coldseal-tables-"));
let box: TestBox;

beforeAll(async () => {
  box = await TestBox.make({}, { time: {} });
  await box.unlock();
  const list = makeCrl(root, { thisUpdate: fromNow(-60), nextUpdate: fromNow(86_400) });
  await stageRevocation(box.box, "crl", list);
  const one = await makeBatch(listOf(3, "a"), { batch: "one" });
  await box.authorised(one);
  await box.seal(one);
  await abortInTheMiddle();
  const expires = fromNow(5000);
  for (const submitter of [undefined, otherSubmitter]) {
    const batch = await makeBatch(listOf(2, "c"), { batch: "three", expires }, submitter);
    const challenge = await box.challenge(batch);
    await reject(box.box, batch.batchDigest, await dissent(challenge, "rejection", operators.op3, "not ours"));
  }
  await box.authorised(await makeBatch(listOf(2, "d"), { batch: "four" }));
  await box.challenge(await makeBatch(listOf(2, "e"), { batch: "five" }));
  const half = await makeBatch(listOf(100, "f"), { batch: "six" });
  await box.authorised(half);
  const sealing = box.seal(half, (done) => {
    if (done === 64) void box.box.lockbox.lock("test");
  });
  expect(await codeOf(sealing)).toBe("LOCKED");
  box.kill();
  copyFileSync(storeFile(), join(kept, "store.db"));
});

beforeEach(() => {
  if (box.box.db.open) box.box.db.close();
  for (const suffix of ["-wal", "-shm"]) rmSync(`${storeFile()}${suffix}`, { force: true });
  copyFileSync(join(kept, "store.db"), storeFile());
});

afterAll(() => {
  box.remove();
  rmSync(kept, { recursive: true, force: true });
});

async function abortInTheMiddle(): Promise<void> {
  const batch = await makeBatch(listOf(200, "b"), { batch: "two" });
  const challenge = await box.authorised(batch);
  const order = await dissent(challenge, "abort", operators.op3, "wrong");
  let ordered: Promise<unknown> | undefined;
  expect(
    await box.seal(batch, (done) => {
      if (done === 64) ordered = orderAbort(box.box, batch.batchDigest, order);
    }),
  ).toMatchObject({ outcome: "aborted" });
  await ordered;
}

const storeFile = () => join(box.config.state, "store.db");

/** Changes one table of the closed store as a careful forger would: no trigger is missing afterwards. */
function forge(statement: string): void {
  const table = /^(?:UPDATE|DELETE FROM) (\w+)/.exec(statement)?.[1];
  const db = new Database(storeFile());
  db.pragma("foreign_keys = OFF");
  const triggers = db
    .prepare<[string], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?",
    )
    .all(table as string);
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
  expect(db.prepare(statement).run().changes).toBeGreaterThan(0);
  for (const { sql } of triggers) db.exec(sql);
  db.close();
}

/** The refusal that the box opens with. */
async function found(): Promise<Refusal | undefined> {
  const refused = await box.open().catch((thrown: unknown) => thrown as Refusal);
  return refused ?? box.box.fault;
}

/** The last byte of a column changed. */
const spoilt = (column: string) =>
  `${column} = CAST(substr(${column}, 1, length(${column}) - 1) || CASE CAST(substr(${column}, -1) AS BLOB) WHEN x'7a' THEN x'7b' ELSE x'7a' END AS ${column === "head" || column === "certificates" ? "TEXT" : "BLOB"})`;

describe("CHAIN", () => {
  it("CHAIN: the store as it was verifies", async () => {
    expect(await found()).toBeUndefined();
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 2 });
  });

  it.each([
    ...["kind = 'abort'", "person = 'op1'", "name = 'Nobody'", "reason = 'nothing'", spoilt("p7m")].map(
      (change) => [`UPDATE endings SET ${change} WHERE kind = 'rejection'`, /^(rejected|abort-ordered) /] as const,
    ),
    ["UPDATE endings SET time = '2026-01-01T00:00:00Z' WHERE kind = 'abort'", /^abort-ordered /],
    ["DELETE FROM endings WHERE kind = 'abort'", /^abort-ordered /],
    ["DELETE FROM endings WHERE request = (SELECT max(request) FROM endings)", /^rejected .* \(2\)$/],
    ...["suite = 'rsa-pss-sha256'", "audit_suite = 'rsa-pss-sha256'", "sequence = 1", "policy = 9"].flatMap((change) =>
      [1, 2, 3].map(
        (number) => [`UPDATE reservations SET ${change} WHERE number = ${number}`, `reserved ${number}`] as const,
      ),
    ),
    ["UPDATE reservations SET certificates = replace(certificates, 'MII', 'MIJ') WHERE number = 3", "reserved 3"],
    ["DELETE FROM reservations WHERE number = 3", "reserved 3"],
    ...["batch_digest", "submitter_key", "identity", "file_digest"].flatMap((column) =>
      [1, 3, 5, 6].map((id) => [`UPDATE requests SET ${column} = zeroblob(32) WHERE id = ${id}`, /./] as const),
    ),
    ...["count = count + 1", "bytes = bytes + 1", "folder = 'other'"].flatMap((change) =>
      [1, 2, 3, 5, 6, 7].map((id) => [`UPDATE requests SET ${change} WHERE id = ${id}`, /^challenge /] as const),
    ),
    ...["submitter_name = 'CN=Other'", "submitter_certificate = zeroblob(9)", "reported = '{\"a\":1}'"].map(
      (change) => [`UPDATE requests SET ${change} WHERE id = 1`, "manifest 1"] as const,
    ),
    ["UPDATE requests SET head = replace(head, 'Q4', 'Q3') WHERE id = 2", "manifest 2"],
    [`UPDATE requests SET ${spoilt("head")} WHERE id = 7`, /^challenge /],
    ["UPDATE challenges SET expires = '2099-01-01T00:00:00Z' WHERE id = 1", /^challenge /],
    ["UPDATE challenges SET policy_digest = zeroblob(32) WHERE id = 6", /^challenge /],
    ["UPDATE authorizations SET approvers = replace(approvers, 'op2', 'op3') WHERE challenge = 5", /^authorized /],
    [
      "UPDATE authorizations SET approvers = replace(approvers, 'Operator', 'Nobody') WHERE challenge = 1",
      "manifest 1",
    ],
    ...[1, 2, 3].flatMap(
      (number) =>
        [
          [
            `UPDATE intents SET time = '2026-01-01T00:00:00Z' WHERE number = ${number} AND idx = 2`,
            `manifest ${number} document 2`,
          ],
          [
            `UPDATE intents SET ${spoilt("attributes")} WHERE number = ${number} AND idx = 3`,
            `manifest ${number} document 3`,
          ],
          [`DELETE FROM intents WHERE number = ${number} AND idx = 3`, `manifest ${number} document 3`],
          [
            `UPDATE signatures SET ${spoilt("signer_info")} WHERE number = ${number} AND idx = 1`,
            `manifest ${number} document 1`,
          ],
          [
            `UPDATE signatures SET seal_digest = zeroblob(32) WHERE number = ${number} AND idx = 1`,
            `manifest ${number} document 1`,
          ],
        ] as const,
    ),
    ["UPDATE revocation_data SET kind = 'ocsp'", "revocation 1"],
    ["UPDATE revocation_data SET this_update = '2031-01-01T00:00:00Z'", "revocation 1"],
    [`UPDATE revocation_data SET ${spoilt("bytes")}`, "revocation 1"],
    ["DELETE FROM revocation_data", "revocation 1"],
    ["UPDATE time_intents SET suite = 'rsa-pkcs1-sha256'", "time-stamp 1"],
    ["UPDATE time_intents SET certificates = replace(certificates, 'MII', 'MIJ')", "time-stamp 1"],
    [`UPDATE time_intents SET ${spoilt("info")}`, "time-stamp 1"],
    [`UPDATE time_intents SET ${spoilt("attributes")}`, "time-stamp 1"],
    ["DELETE FROM time_intents", "time-stamp 1"],
    [`UPDATE time_stamps SET ${spoilt("token")}`, "manifest 1"],
    ["DELETE FROM time_stamps", "manifest 1"],
    ...[1, 2].flatMap(
      (number) =>
        [
          [`DELETE FROM signatures WHERE number = ${number} AND idx = 2`, `manifest ${number}`],
          [`UPDATE documents SET digest = zeroblob(32) WHERE request = ${number} AND idx = 3`, `manifest ${number}`],
          [`UPDATE documents SET name = 'other.pdf' WHERE request = ${number} AND idx = 3`, `manifest ${number}`],
          [`UPDATE documents SET size = size + 1 WHERE request = ${number} AND idx = 3`, `manifest ${number}`],
        ] as const,
    ),
  ] as readonly (readonly [string, string | RegExp])[])(
    "CHAIN: found when the store is opened: %s",
    async (statement, about) => {
      forge(statement);
      const refusal = await found();
      expect(refusal).toMatchObject({ code: "CHAIN" });
      expect(refusal?.about).toMatch(about);
    },
  );

  it("CHAIN: the record is verified while other work goes on, and what that adds is no fault", async () => {
    await box.open();
    await box.unlock();
    const verifying = verifyRecord(box.box);
    const batch = await makeBatch(listOf(2, "g"), { batch: "seven" });
    await box.authorised(batch);
    await verifying;
    const { head } = await verifyRecord(box.box);
    expect(head).toEqual(box.box.journal.head());
  });
});
