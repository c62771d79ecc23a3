/** The signer's pure parts by tables: states, clocks, waits, links, heads, journal rows. */

import { expect, it } from "vitest";
import { type BatchState, type StateFacts, stateOf } from "../../../appliance/signer/batches.ts";
import { claimedError, readClock } from "../../../appliance/signer/clock.ts";
import { compareHead, type StoreFacts } from "../../../appliance/signer/head.ts";
import { checkNetwork } from "../../../appliance/signer/network.ts";
import { countTry, waitSeconds } from "../../../appliance/signer/pin-tries.ts";
import { readReported } from "../../../appliance/signer/reported.ts";
import { otherLinks } from "../../../host/network-links.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { Refusal, type RefusalCode } from "../../../manifests/refusal.ts";
import { loopbackOnly } from "./test-box.ts";

function code(work: () => unknown): RefusalCode | "none" {
  try {
    work();
    return "none";
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
}

it.each<[BatchState, Partial<StateFacts>]>([
  ["challenged", {}],
  ["authorized", { authorized: 1 }],
  ["rejected", { ending: "rejection" }],
  ["rejected", { ending: "rejection", authorized: 1 }],
  ["aborted", { ending: "abort", authorized: 1 }],
  ["sealing", { number: 3, authorized: 1 }],
  ["sealing", { number: 3, authorized: 1, ending: "abort" }],
  ["sealed", { number: 3, authorized: 1, outcome: "sealed" }],
  ["aborted", { number: 3, authorized: 1, outcome: "aborted", ending: "abort" }],
])("NOTHING-LOST: the state %s follows from %j", (state, facts) => {
  expect(stateOf({ ending: null, number: null, outcome: null, authorized: 0, ...facts })).toBe(state);
});

it("PIN-LOCKED: the wait begins at the third wrong PIN, doubles, and ends at a day", () => {
  expect([0, 1, 2, 3, 4, 5, 14, 15, 1000].map(waitSeconds)).toEqual([0, 0, 0, 30, 60, 120, 61_440, 86_400, 86_400]);
});

it("PIN-LOCKED: a try is refused up to the second before the wait is over", () => {
  const tries = { failures: 3, waitUntil: "2026-11-23T12:00:30Z" };
  expect(code(() => countTry(tries, "2026-11-23T12:00:29Z"))).toBe("PIN-LOCKED");
  expect(countTry(tries, "2026-11-23T12:00:30Z")).toEqual({ failures: 4, waitUntil: "2026-11-23T12:01:30Z" });
});

const start = Date.parse("2026-11-23T12:00:00Z");

it.each([
  ["runs", 5000, 5000, "2026-11-23T12:00:05Z", false, undefined],
  ["steps forwards", 65_000, 5000, "2026-11-23T12:01:05Z", false, 60],
  ["steps back, to before the start", -60_000, 5000, "2026-11-23T12:00:00Z", true, -65],
  ["is slewed by less than a second", 5900, 5000, "2026-11-23T12:00:05Z", false, undefined],
  ["is slewed by a second", 6000, 5000, "2026-11-23T12:00:06Z", false, 1],
])("CLOCK: a wall clock that %s", (_, wall, monotonic, now, behind, seconds) => {
  const reading = readClock({ latest: start, offset: start }, start + wall, monotonic);
  expect(reading.now).toBe(now);
  expect(reading.behind).toBe(behind);
  expect(reading.step?.seconds).toBe(seconds);
});

it("CLOCK: a step is told once, and slow drift adds up to one", () => {
  let state = { latest: start, offset: start };
  let steps = 0;
  for (let second = 1; second <= 30; second++) {
    const reading = readClock(state, start + second * 1100, second * 1000);
    state = reading.state;
    if (reading.step) steps++;
  }
  expect(steps).toBe(3);
});

it("CLOCK: claimed error is that of the last setting plus drift, rounded up", () => {
  const setting = { lastSet: "2026-11-23T12:00:00Z", errorSeconds: 2 };
  expect(claimedError(setting, 50, "2026-11-23T12:00:00Z")).toBe(2);
  expect(claimedError(setting, 50, "2026-11-24T12:00:00Z")).toBe(2 + 5);
  expect(claimedError(setting, 50, "2026-11-22T12:00:00Z")).toBe(2);
});

const link = (name: string) => `${name.padStart(6)}: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`;

it("GAP: links are read by name, loopback apart", () => {
  expect(otherLinks(() => loopbackOnly)).toEqual([]);
  expect(otherLinks(() => loopbackOnly + link("eth0") + link("wlp2s0.7"))).toEqual(["eth0", "wlp2s0.7"]);
});

it.each([
  ["fatal", "", "absent"],
  ["recorded", "", "absent"],
  ["recorded", link("eth0"), "present-recorded"],
] as const)("GAP: a policy that says %s with the links lo %s gives %s", (policy, more, label) => {
  expect(checkNetwork(policy, () => loopbackOnly + more)).toBe(label);
});

it.each([
  "",
  "\n\n\n",
  loopbackOnly.replace("lo:", "l0:"),
  `${loopbackOnly}  no colon\n`,
  loopbackOnly.replace("Inter-|", "x"),
])("GAP: what cannot be read as a list of links is refused under every policy", (text) => {
  expect(code(() => checkNetwork("recorded", () => text))).toBe("GAP");
});

it("GAP: a file that cannot be read is refused", () => {
  const failing = () => {
    throw new Error("EACCES");
  };
  expect(code(() => checkNetwork("recorded", failing))).toBe("GAP");
});

const digest = (n: number) => new Uint8Array(32).fill(n);
const genesis = "ab".repeat(32);
const facts: StoreFacts = {
  appliance: "box-1",
  genesis,
  counter: 4,
  lastSequence: 50,
  digestAt: (sequence) => (sequence <= 50 ? digest(sequence) : undefined),
  signedUnder: 0,
  manifestsAfter: () => 0,
};

function head(change: { counter?: number; sequence?: number; head?: string; appliance?: string } = {}) {
  const record = {
    appliance: "box-1",
    counter: 4,
    genesis,
    head: digest(change.sequence ?? 40).toHex(),
    sequence: 40,
    type: "head" as const,
    version: 1 as const,
    ...change,
  };
  return { counter: record.counter, content: canonicalBytes(record) };
}

it.each<[string, ReturnType<typeof head> | undefined, Partial<StoreFacts>, RefusalCode | "none"]>([
  ["agrees", head(), {}, "none"],
  ["moved once more than the store noted", head({ counter: 5 }), {}, "none"],
  ["is missing", undefined, {}, "CHAIN"],
  ["is ahead of the store", head({ sequence: 51 }), {}, "CHAIN"],
  ["names another row", head({ head: "00".repeat(32) }), {}, "CHAIN"],
  ["is older than the store knows", head({ counter: 3 }), {}, "CHAIN"],
  ["moved twice without the store", head({ counter: 6 }), {}, "CHAIN"],
  ["is another box's", head({ appliance: "box-2" }), {}, "CHAIN"],
  ["did not announce signatures that are stored", head(), { signedUnder: 41 }, "CHAIN"],
  ["announced the signatures that are stored", head(), { signedUnder: 40 }, "none"],
  ["has one manifest after it", head(), { manifestsAfter: () => 1 }, "none"],
  ["has two manifests after it", head(), { manifestsAfter: () => 2 }, "CHAIN"],
  ["contradicts its own counter", { ...head(), counter: 5 }, {}, "CHAIN"],
])("CHAIN: a token's head that %s", (_, token, change, expected) => {
  expect(code(() => compareHead(token, { ...facts, ...change }))).toBe(expected);
});

it("HONEST: reported facts are small objects", () => {
  expect(readReported({ a: 1 }, "reported")).toEqual({ a: 1 });
  expect(code(() => readReported("x", "reported"))).toBe("SHAPE");
  expect(code(() => readReported({ a: "x".repeat(8200) }, "reported"))).toBe("SHAPE");
});
