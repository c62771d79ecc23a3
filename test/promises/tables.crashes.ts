/** The failure tables in full: every way to fail, every end of a batch, several batches, and two deaths in a row. */

import "./file-effects.ts";
import { describe, expect, it } from "vitest";
import { type DaemonEnd, DaemonJourney, lifesTogether } from "./daemon-journey.ts";
import { everyHow, type How } from "./effects.ts";
import { failureTable } from "./failure-table.ts";
import { SignerJourney, type Wanted } from "./signer-journey.ts";

const all = process.env.CRASHES === "all";

/** A life, and the ways to fail that the quick form takes; `npm test` has others. */
const lives: readonly (readonly [string, readonly Wanted[], readonly How[]])[] = [
  ["a sealed batch", [{ end: "sealed", count: 65 }], ["killed after"]],
  ["a batch that the box is locked in the middle of", [{ end: "locked", count: 65 }], ["killed before"]],
  ["an aborted batch", [{ end: "aborted", count: 65 }], ["fails before", "fails after"]],
  ["a rejected batch", [{ end: "rejected", count: 2 }], ["fails after"]],
  ["a batch aborted before its number", [{ end: "aborted early", count: 2 }], ["fails after"]],
];

const several: readonly Wanted[] = [
  { end: "sealed", count: 130 },
  { end: "rejected", count: 3 },
  { end: "aborted", count: 200 },
  { end: "locked", count: 70 },
  { end: "aborted early", count: 1 },
  { end: "sealed", count: 1 },
];

describe.each(lives)("signer: %s", (_, wanted, quick) => {
  it.each(all ? everyHow : quick)("T21: every effect %s", async (how) => {
    expect((await failureTable(() => SignerJourney.make(wanted), how)).length).toBeGreaterThan(10);
  });
});

describe("signer: two deaths in a row", () => {
  // The second death comes while the box opens, unlocks and goes on after the first.
  it.each(all ? [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20] : [6])(
    "T21: killed before every effect, and %i effects later again",
    async (later) => {
      const make = () => SignerJourney.make([{ end: "sealed", count: 65 }], [{ at: later, how: "killed after" }]);
      expect((await failureTable(make, "killed before")).length).toBeGreaterThan(30);
    },
  );
});

describe.skipIf(!all)("signer: several batches, one after another", () => {
  it.each(everyHow)("T21: every effect %s", async (how) => {
    expect((await failureTable(() => SignerJourney.make(several), how)).length).toBeGreaterThan(150);
  });
});

const ends: readonly (readonly [DaemonEnd, readonly How[]])[] = [
  ["released", ["fails after"]],
  ["rejected", ["killed before"]],
  ["refused", ["killed before"]],
];

describe.each(ends)("daemon: a batch that is %s", (end, quick) => {
  it.each(all ? everyHow : quick)("T21: every effect %s", async (how) => {
    expect((await failureTable(() => DaemonJourney.make(end), how, lifesTogether)).length).toBeGreaterThan(10);
  });
});
