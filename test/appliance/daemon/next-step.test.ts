import { describe, expect, it } from "vitest";
import { type Moment, nextStep, undecidedTooLong, undecidedUntil } from "../../../appliance/daemon/next-step.ts";
import { approvedBy, challenged, failedBy, fresh, policyDigest, soon, t0, through } from "./states.ts";

const hour = 3_600_000;
const moment: Moment = { now: t0, utc: soon, policyDigest, undecidedHours: 2 };
const overdue = { ...moment, now: t0 + 2 * hour };
const approved = through(fresh(), challenged, approvedBy("op1"), approvedBy("op2"));

describe("T13: a clock that is set back", () => {
  it("T13: lets a batch try again that was put off by the clock before, and only then", () => {
    const waiting = through(through(approved, { type: "authorized" }), failedBy("LOCKED"));
    expect(nextStep(waiting, moment)).toBeUndefined();
    expect(nextStep(waiting, { ...moment, now: t0 + 60_000 })).toBe("seal");
    expect(nextStep(waiting, { ...moment, now: t0 - 86_400_000 })).toBe("seal");
  });
});

describe("RETENTION: a batch on which nobody decides", () => {
  const undecided = [
    ["not yet given to the signer", fresh()],
    ["waiting for another attempt", through(fresh(), failedBy("STORE"))],
    ["waiting for approvals", through(fresh(), challenged)],
    ["approved by too few", through(fresh(), challenged, approvedBy("op1"))],
  ] as const;

  it.each(undecided)("%s: is given up at its time and no moment before", (_, state) => {
    expect(undecidedUntil(state, moment)).toBe(t0 + 2 * hour);
    expect(nextStep(state, { ...overdue, now: overdue.now - 1 })).not.toBe("give-up");
    expect(nextStep(state, overdue)).toBe("give-up");
  });

  it.each(undecided)("%s: stays where the policy sets no time, or where it is not known", (_, state) => {
    for (const undecidedHours of [null, undefined]) {
      expect(nextStep(state, { ...overdue, undecidedHours } as Moment)).not.toBe("give-up");
    }
  });

  it.each([
    ["enough people approved", approved],
    ["authorised", through(approved, { type: "authorized" })],
    ["sealed, and no stick there", through(approved, { type: "sealed", number: 7, outcome: "sealed" })],
    ["rejected", through(fresh(), challenged, { type: "rejected" })],
    ["without a copy in the box", through(fresh({ spooled: false }), challenged)],
  ])("%s: is never given up", (_, state) => {
    expect(undecidedUntil(state, moment)).toBeUndefined();
    expect(nextStep(state, { ...overdue, now: t0 + 1e12 })).not.toBe("give-up");
  });

  it("says how long it waited, and how long it may", () => {
    expect(undecidedTooLong(fresh(), { ...overdue, now: t0 + 3.5 * hour })).toMatchObject({
      code: "BATCH-UNDECIDED",
      expected: "a decision within 2 h",
      got: "none in 3 h since it was taken",
    });
  });
});
