/** Faults of the store: what a caller sees, and when the box stops. Refusals: what of them is journalled. */

import Database from "better-sqlite3";
import { beforeEach, expect, it } from "vitest";
import { guarded } from "../../../appliance/signer/guarded.ts";
import { OwnRefusals } from "../../../appliance/signer/own-refusals.ts";
import type { Answer, IncomingCall } from "../../../host/wire.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { codeOf } from "./test-box.ts";

const call = {} as IncomingCall;
const digest = "ab".repeat(32);

let rows: Json[];
let now: number;
let record: (what: Json) => void;
let box: { fault: Refusal | undefined; refusals: OwnRefusals };
beforeEach(() => {
  rows = [];
  now = 0;
  record = (what) => void rows.push(what);
  const known = (batchDigest: Uint8Array) => batchDigest[0] === 0xab;
  box = {
    fault: undefined,
    refusals: new OwnRefusals({ record: (what) => record(what), known, monotonic: () => now }),
  };
});

/** The code that a guarded method refuses with which throws this. */
function thrown(fault: Error, method = "seal", parameters: Json = {}): Promise<string> {
  const methods = guarded(box, {
    [method]: async () => {
      throw fault;
    },
  });
  return codeOf((methods[method] as (typeof methods)[string])(parameters, call));
}

it.each([
  ["SQLITE_FULL", false],
  ["SQLITE_BUSY", false],
  ["SQLITE_IOERR_FSYNC", true],
  ["SQLITE_CORRUPT", true],
])("STORE: a database fault %s refuses with STORE; the box stops: %s", async (code, stops) => {
  expect(await thrown(new Database.SqliteError("disk", code))).toBe("STORE");
  expect(box.fault?.code).toBe(stops ? "STORE" : undefined);
});

it("STORE: a database fault in the middle of an answer's body refuses with STORE too, and stops the box", async () => {
  const methods = guarded(box, {
    receipt: async () => ({
      result: {},
      body: (function* () {
        yield Uint8Array.of(1);
        throw new Database.SqliteError("disk", "SQLITE_IOERR_READ");
      })(),
    }),
  });
  const { body } = (await (methods.receipt as (typeof methods)[string])({}, call)) as Required<Answer>;
  const got: number[] = [];
  const read = async () => {
    for await (const piece of body) got.push(...piece);
  };
  expect(await codeOf(read())).toBe("STORE");
  expect(got).toEqual([1]);
  expect(box.fault?.code).toBe("STORE");
});

it("STORE: refusals pass as they are", async () => {
  expect(await thrown(new Refusal("LOCKED", "locked"))).toBe("LOCKED");
  expect(box.fault).toBeUndefined();
});

it.each(["submit", "authorize", "seal", "reject", "abort", "import-policy", "unlock"])(
  "QUORUM: what %s refuses is journalled: method, code, and the batch where the store knows it",
  async (method) => {
    await thrown(new Refusal("QUORUM", "no"), method, { batchDigest: digest });
    await thrown(new Refusal("SHAPE", "no"), method, { batchDigest: "cd".repeat(32) });
    await thrown(new Refusal("BATCH-ENDED", "no", { about: digest }), method);
    await thrown(new Refusal("DER", "no", { about: "contract.pdf" }), method, null);
    expect(rows).toEqual([
      { batchDigest: digest, code: "QUORUM", method, times: 1 },
      { batchDigest: null, code: "SHAPE", method, times: 1 },
      { batchDigest: digest, code: "BATCH-ENDED", method, times: 1 },
      { batchDigest: null, code: "DER", method, times: 1 },
    ]);
  },
);

it("QUORUM: what only reads, what is no refusal and what a stopped box refuses is not journalled", async () => {
  await thrown(new Refusal("BATCH-UNKNOWN", "no"), "receipt");
  await expect(thrown(new TypeError("a fault"))).rejects.toThrow(TypeError);
  box.fault = new Refusal("CHAIN", "stopped");
  await thrown(box.fault);
  expect(rows).toEqual([]);
});

it("STORE: a refusal that cannot be journalled stays the same refusal; the box stops", async () => {
  record = () => {
    throw new Database.SqliteError("disk", "SQLITE_IOERR_WRITE");
  };
  expect(await thrown(new Refusal("LOCKED", "locked"))).toBe("LOCKED");
  expect(box.fault?.code).toBe("STORE");
});

it("LOCKED: asked every second for a day, a dozen rows tell of it, and of every time", async () => {
  for (let second = 0; second < 86_400; second++) {
    now = second * 1000;
    await thrown(new Refusal("LOCKED", "locked"), "seal", { batchDigest: digest });
    if (second % 10 === 0) box.refusals.flush();
  }
  box.refusals.flush(true);
  expect(rows.length).toBeLessThan(16);
  const times = rows.map((row) => (row as { times: number }).times);
  expect(times.slice(0, 3)).toEqual([1, 60, 120]);
  expect(times.reduce((a, b) => a + b)).toBe(86_400);
});

it("LOCKED: what did not come again is forgotten, and journalled at once when it comes later", async () => {
  await thrown(new Refusal("LOCKED", "locked"));
  now = 60_000;
  box.refusals.flush();
  await thrown(new Refusal("LOCKED", "locked"));
  expect(rows).toHaveLength(2);
});

it("QUORUM: a flood of different refusals makes no more than 20 rows a minute, and loses no count", async () => {
  const made = Array.from({ length: 900 }, (_, at) => `ab${at.toString(16).padStart(62, "0")}`);
  for (const batchDigest of made) await thrown(new Refusal("QUORUM", "no"), "authorize", { batchDigest });
  expect(rows).toHaveLength(20);
  for (; now < 60 * 60_000; now += 10_000) box.refusals.flush();
  const times = rows.map((row) => (row as { times: number }).times);
  expect(rows).toHaveLength(501);
  expect(times.reduce((a, b) => a + b)).toBe(900);
});
