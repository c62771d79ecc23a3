import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advance, type BatchEvent, type BatchState } from "../../../appliance/daemon/batch-state.ts";
import { isBoxMatter, pause } from "../../../appliance/daemon/box-matters.ts";
import { type Moment, nextStep, nextToSeal } from "../../../appliance/daemon/next-step.ts";
import { type RefusalCode, refusalTable } from "../../../manifests/refusal.ts";
import {
  approvedBy,
  challenged,
  challengeOf,
  failedBy,
  fresh,
  knownAs,
  policyDigest,
  soon,
  t0,
  through,
} from "./states.ts";

const moment: Moment = { now: t0, utc: soon, policyDigest };
const approved = [challenged, approvedBy("op1"), approvedBy("op2")];
const authorised = [...approved, { type: "authorized" } as const];
const sealed = [...authorised, { type: "sealed", number: 7, outcome: "sealed" } as const];

/** Phase and next step, in short. */
function at(state: BatchState, when: Moment = moment): string {
  const { phase } = state;
  const detail =
    phase.at === "answering"
      ? `/${phase.answer.kind}`
      : phase.at === "ended"
        ? `/${phase.as}`
        : phase.at === "sealing" && phase.begun
          ? "/begun"
          : "";
  return `${phase.at}${detail} ${nextStep(state, when) ?? "waits"}`;
}

describe("the states of a batch", () => {
  const table: readonly [string, readonly BatchEvent[], string][] = [
    ["QUORUM: a batch from the spool goes to the signer first", [], "submitting submit"],
    ["QUORUM: a challenged batch waits for people", [challenged], "approving waits"],
    ["QUORUM: one of two approvals is not enough", [challenged, approvedBy("op1")], "approving waits"],
    [
      "T15: the same person twice is one approval",
      [challenged, approvedBy("op1"), approvedBy("op1")],
      "approving waits",
    ],
    ["QUORUM: two people make it ready for the signer's judgement", approved, "authorizing authorize"],
    [
      "QUORUM: an approval withdrawn does not count",
      [challenged, approvedBy("op1"), { type: "withdrew", person: "op1" }, approvedBy("op2")],
      "approving waits",
    ],
    [
      "QUORUM: a withdrawal after enough approved comes too late",
      [...approved, { type: "withdrew", person: "op1" }],
      "authorizing authorize",
    ],
    [
      "QUORUM: approvals that the signer refuses must be given again",
      [...approved, failedBy("QUORUM")],
      "approving waits",
    ],
    [
      "QUORUM: an approval before any challenge changes nothing",
      [approvedBy("op1"), approvedBy("op2")],
      "submitting submit",
    ],
    ["QUORUM: what the signer authorised is to be sealed", authorised, "sealing seal"],
    ["INTENT-FIRST: a batch that was begun is sealed on", [...authorised, { type: "begun" }], "sealing/begun seal"],
    [
      "NOTHING-LOST: a new nonce drops the approvals",
      [
        challenged,
        approvedBy("op1"),
        { type: "challenged", challenge: challengeOf("02"), needed: 2 },
        approvedBy("op2"),
      ],
      "approving waits",
    ],
    ["CHECKED-OUT: what is sealed is to be written", sealed, "answering/receipt answer"],
    ["CHECKED-OUT: only what was written is released", [...sealed, { type: "answered" }], "ended/released waits"],
    ["SEAL-ONCE: a batch sealed before gets its receipt", [{ type: "already", number: 3 }], "answering/receipt answer"],
    [
      "MODE: what the signer refuses at submission is answered with a refusal",
      [failedBy("MODE")],
      "answering/refusal answer",
    ],
    ["MODE: the refusal ends it once it is written", [failedBy("MODE"), { type: "answered" }], "ended/refused waits"],
    [
      "REJECTED: a rejection ends the batch once it is written",
      [challenged, { type: "rejected" }, { type: "answered" }],
      "ended/rejected waits",
    ],
    [
      "ABORTED: before a number was used a refusal goes out",
      [...authorised, { type: "aborted", number: null }],
      "answering/ending answer",
    ],
    [
      "ABORTED: after that the aborted manifest goes out",
      [...authorised, { type: "begun" }, { type: "aborted", number: 7 }],
      "answering/receipt answer",
    ],
    [
      "ABORTED: told twice it is answered once",
      [
        ...authorised,
        { type: "aborted", number: 7 },
        { type: "sealed", number: 7, outcome: "aborted" },
        { type: "answered" },
      ],
      "ended/aborted waits",
    ],
    ["LOCKED: a box that cannot now keeps the batch", [...authorised, failedBy("LOCKED")], "sealing waits"],
    [
      "LOCKED: another attempt may be asked for",
      [...authorised, failedBy("LOCKED"), { type: "again" }],
      "sealing seal",
    ],
    ["T19: a failing stick keeps the batch sealed", [...sealed, failedBy("MEDIA-WRITE")], "answering/receipt waits"],
    ["T19: a name that is taken waits for a person", [...sealed, failedBy("MEDIA-TAKEN")], "answering/receipt waits"],
    ["NOTHING-LOST: the signer knows it as challenged", [knownAs({ state: "challenged" })], "approving waits"],
    ["NOTHING-LOST: the signer knows it as authorised", [knownAs({ state: "authorized" })], "sealing seal"],
    ["NOTHING-LOST: the signer began to seal it", [knownAs({ state: "sealing", number: 7 })], "sealing/begun seal"],
    ["NOTHING-LOST: sealed and not released", [knownAs({ state: "sealed", number: 7 })], "answering/receipt answer"],
    [
      "NOTHING-LOST: sealed and released",
      [knownAs({ state: "sealed", number: 7, released: true })],
      "ended/released waits",
    ],
    [
      "NOTHING-LOST: aborted with a number, not released",
      [knownAs({ state: "aborted", number: 7 })],
      "answering/receipt answer",
    ],
    ["NOTHING-LOST: aborted without a number", [knownAs({ state: "aborted" })], "answering/ending answer"],
    ["NOTHING-LOST: rejected and not yet answered", [knownAs({ state: "rejected" })], "answering/ending answer"],
  ];
  for (const [title, events, expected] of table)
    it(title, () => expect(at(through(fresh(), ...events))).toBe(expected));

  it("NOTHING-LOST: an attempt that failed is due again after its pause, later each time", () => {
    const once = through(fresh(), ...authorised, failedBy("BUSY"));
    const twice = advance(once, failedBy("BUSY"), t0 + pause(1));
    expect(nextStep(once, { ...moment, now: t0 + pause(1) - 1 })).toBeUndefined();
    expect(nextStep(once, { ...moment, now: t0 + pause(1) })).toBe("seal");
    expect(twice.trouble?.again).toBe(t0 + pause(1) + pause(2));
    expect([1, 2, 3, 20].map(pause)).toEqual([500, 1000, 2000, 60_000]);
  });

  it("QUORUM: a batch whose approver's certificate has ended is submitted again, for a new challenge", () => {
    const lapsed = through(fresh(), ...authorised, failedBy("PATH-TIME"));
    expect(nextStep(lapsed, moment)).toBeUndefined();
    expect(nextStep(lapsed, { ...moment, now: t0 + 1e12 })).toBe("submit");
  });

  it("T19: what a person must look at is never tried again by time alone", () => {
    for (const code of ["MEDIA-TAKEN", "CHECKED-OUT"] as const) {
      const state = through(fresh(), ...sealed, failedBy(code));
      expect(nextStep(state, { ...moment, now: t0 + 1e12 })).toBeUndefined();
      expect(nextStep(through(state, { type: "again" }), moment)).toBe("answer");
    }
  });

  it("T16: a challenge that expired, or is of an old policy, is asked for anew before anything else", () => {
    const stale: readonly Moment[] = [
      { ...moment, utc: "2026-11-23T13:00:01Z" },
      { ...moment, policyDigest: "00".repeat(32) },
    ];
    for (const when of stale) {
      expect(at(through(fresh(), challenged), when)).toBe("approving submit");
      expect(at(through(fresh(), ...approved), when)).toBe("authorizing submit");
      expect(at(through(fresh(), ...authorised), when)).toBe("sealing submit");
    }
  });

  it("INTENT-FIRST: once begun a batch is sealed on, whatever the challenge's expiry", () => {
    const begun = through(fresh(), ...authorised, { type: "begun" });
    expect(at(begun, { ...moment, utc: "2027-01-01T00:00:00Z" })).toBe("sealing/begun seal");
  });

  it("T16: people are told that their approvals were dropped", () => {
    const state = through(fresh(), challenged, approvedBy("op1"), {
      type: "challenged",
      challenge: challengeOf("02"),
      needed: 2,
    });
    expect(state.approvals).toEqual([]);
    expect(state.note).toContain("approvals must be given again");
  });

  it("CLOCK: a signer whose clock says otherwise is not asked at once again", () => {
    const state = through(fresh(), challenged, challenged);
    expect(state.trouble?.refusal.code).toBe("CLOCK");
    expect(nextStep(state, { ...moment, utc: "2026-11-23T13:00:01Z" })).toBeUndefined();
  });

  it("CHAIN: one batch at a time is sealed: one that was begun, else the first that came", () => {
    const ready = through(fresh(), ...authorised);
    const first = { ...ready, id: "a", since: t0 - 2 };
    const second = { ...ready, id: "b", since: t0 - 1 };
    const begun = { ...through(ready, { type: "begun" }), id: "c" };
    expect(nextToSeal([second, first], moment)?.id).toBe("a");
    expect(nextToSeal([second, begun, first], moment)?.id).toBe("c");
    expect(nextToSeal([second, through(first, failedBy("QUORUM"))], moment)?.id).toBe("b");
    expect(nextToSeal([second, through(begun, failedBy("BUSY"))], moment)).toBeUndefined();
  });

  it("HONEST: faults of the box never refuse a batch", () => {
    const batchMatters = (Object.keys(refusalTable) as RefusalCode[]).filter((code) => !isBoxMatter(code));
    for (const code of ["LOCKED", "GAP", "CLOCK", "CHAIN", "HSM-GONE", "STORE", "UNREACHABLE", "MEDIA-FULL"] as const) {
      expect(batchMatters).not.toContain(code);
    }
    for (const code of [
      "MODE",
      "PATH-ROOT",
      "CMS-SIGNATURE",
      "BATCH-EXPIRED",
      "DOCUMENT-DIGEST",
      "MEDIA-KIND",
      "SHAPE",
    ] as const) {
      expect(batchMatters).toContain(code);
    }
  });
});

describe("whatever comes in whatever order", () => {
  const number = fc.integer({ min: 1, max: 3 });
  const event: fc.Arbitrary<BatchEvent> = fc.oneof(
    fc
      .constantFrom("01", "02")
      .map((nonce) => ({ type: "challenged", challenge: challengeOf(nonce), needed: 2 }) as const),
    fc.constantFrom("op1", "op2", "op3").map((person) => approvedBy(person)),
    fc.constantFrom("op1", "op2").map((person) => ({ type: "withdrew", person }) as const),
    fc.constantFrom<BatchEvent>(
      { type: "authorized" },
      { type: "begun" },
      { type: "rejected" },
      { type: "answered" },
      { type: "again" },
    ),
    number.map((n) => ({ type: "sealed", number: n, outcome: "sealed" }) as const),
    fc.option(number).map((n) => ({ type: "aborted", number: n }) as const),
    fc
      .constantFrom("LOCKED", "MEDIA-WRITE", "MEDIA-TAKEN", "QUORUM", "BUSY")
      .map((code) => failedBy(code as RefusalCode)),
  );

  it("QUORUM: nothing but the signer's word makes a batch ready to be sealed, and an end is an end", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let state = fresh();
        for (const [index, one] of events.entries()) {
          const before = state;
          state = advance(before, one, t0 + index);
          if (state.phase.at === "sealing" && before.phase.at !== "sealing") expect(one.type).toBe("authorized");
          if (before.phase.at === "ended") expect(state).toBe(before);
          if (before.phase.at === "answering") expect(["answering", "ended"]).toContain(state.phase.at);
          expect(new Set(state.approvals.map(({ person }) => person)).size).toBe(state.approvals.length);
        }
      }),
    );
  });
});
