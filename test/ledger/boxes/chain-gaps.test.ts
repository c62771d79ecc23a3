/** Numbers that are missing in the ledger: known by what, since when, and when that is an alarm. */

import { describe, expect, it } from "vitest";
import { missingNumbers } from "../../../ledger/boxes/chain-gaps.ts";

const at = (hour: string) => `2026-11-20T${hour}:00:00Z`;

describe("missing numbers", () => {
  it("LEDGER-GAP: since the first later manifest came; an alarm after the hours that are allowed, not before", () => {
    const facts = {
      chained: [{ from: 1, to: 3 }],
      waiting: [
        { number: 6, arrived: at("10") },
        { number: 9, arrived: at("09") },
      ],
      records: [],
    };
    const found = (now: string) => missingNumbers(facts, 2, now).map(({ alarm }) => alarm);
    expect(missingNumbers(facts, 2, at("10"))).toEqual([
      { from: 4, to: 5, known: "waits", since: at("09"), alarm: false },
      { from: 7, to: 8, known: "waits", since: at("09"), alarm: false },
    ]);
    expect(found("2026-11-20T10:59:59Z")).toEqual([false, false]);
    expect(found(at("11"))).toEqual([true, true]);
  });

  it("LEDGER-GAP: what a continuity record explains is shown for ever and never alarms; what it had at hand does", () => {
    const facts = {
      chained: [
        { from: 1, to: 2 },
        { from: 6, to: 7 },
      ],
      waiting: [],
      records: [{ next: 6, last: 3, missing: [{ from: 4, to: 5 }], arrived: at("08") }],
    };
    expect(missingNumbers(facts, 1, at("12"))).toEqual([
      { from: 3, to: 3, known: "record", since: at("08"), alarm: true },
      { from: 4, to: 5, known: "explained", since: at("08"), alarm: false },
    ]);
  });

  it("LEDGER-GAP: nothing is missing where nothing is known of a later number", () => {
    expect(missingNumbers({ chained: [{ from: 1, to: 9 }], waiting: [], records: [] }, 0, at("12"))).toEqual([]);
  });
});
