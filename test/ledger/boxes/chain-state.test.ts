/** The chain of a box in the ledger, as a pure machine: whatever the order in which its manifests come, it ends the same; what contradicts it stops it. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Arrival,
  advance,
  arrive,
  atNumber,
  breaksRules,
  type ChainState,
  continueBy,
  decide,
  emptyChain,
  nextNumber,
  type Step,
} from "../../../ledger/boxes/chain-state.ts";
import { Refusal } from "../../../manifests/refusal.ts";

const genesis = "00".repeat(32);

function manifest(number: number, previous: string, tag = ""): Arrival {
  return { number, digest: `m${number}${tag}`, previous };
}

/** Numbers 1 to `count`. */
function chain(count: number): readonly Arrival[] {
  return Array.from({ length: count }, (_, at) => manifest(at + 1, at === 0 ? genesis : `m${at}`));
}

interface Run {
  readonly state: ChainState;
  readonly steps: readonly Step[];
}

/** Takes each, then all that follows from it, as an ingest does. */
function taken(arrivals: readonly Arrival[], from: ChainState = emptyChain(genesis)): Run {
  let state = from;
  const steps: Step[] = [];
  for (const one of arrivals) {
    const first = arrive(state, one);
    state = first.state;
    steps.push(first.step);
    for (let next = advance(state); next; next = advance(state)) {
      state = next.state;
      steps.push(next.step);
    }
  }
  return { state, steps };
}

function chained({ steps }: Pick<Run, "steps">): readonly string[] {
  return steps.flatMap((step) => (step.kind === "chain" ? [step.manifest.digest] : []));
}

describe("a chain in the ledger", () => {
  it("LEDGER-BOX: in whatever order manifests come, and how often, each enters once, in order", () => {
    const all = chain(9);
    const orders = fc.shuffledSubarray([...all, ...all, ...all], { minLength: 27 });
    fc.assert(
      fc.property(orders, (arrivals) => {
        const run = taken(arrivals);
        expect(chained(run)).toEqual(all.map(({ digest }) => digest));
        expect(run.state).toMatchObject({ highest: 9, disputes: [] });
        expect(run.steps.filter(({ kind }) => kind === "known")).toHaveLength(18);
      }),
    );
  });

  it("LEDGER-BOX: a later number waits for the one that is missing, and says which", () => {
    const [one, , three] = chain(3) as [Arrival, Arrival, Arrival];
    const { steps, state } = taken([one, three]);
    expect(steps[1]).toEqual({ kind: "wait", manifest: three, next: 2 });
    expect(nextNumber(state)).toBe(2);
    expect(arrive(state, three).step).toEqual({ kind: "known", as: "waiting" });
  });

  it("LEDGER-FORK: a second content of a number is kept, enters never by itself, and stops the chain", () => {
    const all = chain(4);
    const other = manifest(2, "m1", "b");
    const { state, steps } = taken([...all.slice(0, 2), other, ...all.slice(2)]);
    expect(steps[2]).toEqual({ kind: "dispute", manifest: other, dispute: { number: 2, cause: "fork" } });
    expect(chained({ steps })).toEqual(["m1", "m2"]);
    expect(atNumber(state, 2)).toMatchObject({ chained: { digest: "m2" }, waiting: [other] });
    expect(atNumber(state, 3).waiting).toHaveLength(1);
  });

  it("LEDGER-FORK: two that wait for one number are a fork before it is their turn", () => {
    const { steps } = taken([manifest(1, genesis), manifest(3, "m2"), manifest(3, "m2", "b"), manifest(2, "m1")]);
    expect(steps.map(({ kind }) => kind)).toEqual(["chain", "wait", "dispute", "wait"]);
  });

  it("LEDGER-FORK: number 1 follows the genesis digest, and every other the one before", () => {
    expect(taken([manifest(1, "elsewhere")]).steps[0]).toMatchObject({ dispute: { number: 1, cause: "link" } });
    const { steps } = taken([manifest(1, genesis), manifest(3, "m2"), manifest(2, "elsewhere")]);
    expect(steps.at(-1)).toMatchObject({ kind: "dispute", dispute: { number: 2, cause: "link" } });
  });

  it("LEDGER-FORK: two keepers let the one in the chain stay; the other is lost for ever, and the rest goes on", () => {
    const all = chain(4);
    const { state } = taken([...all.slice(0, 2), manifest(2, "m1", "b"), ...all.slice(2)]);
    const decided = decide(state, { number: 2, keep: "m2" });
    expect(decided).toMatchObject({ lost: [{ digest: "m2b" }], unchained: [], chained: undefined });
    expect(chained(taken([], advanced(decided.state)))).toEqual([]);
    expect(advanced(decided.state).highest).toBe(4);
    expect(arrive(decided.state, manifest(2, "m1", "b")).step).toEqual({ kind: "known", as: "lost" });
  });

  it("LEDGER-FORK: where the other one stays, what followed the first leaves the chain and is judged anew", () => {
    const all = chain(4);
    const other = manifest(2, "m1", "b");
    const { state } = taken([...all, other]);
    const decided = decide(state, { number: 2, keep: "m2b" });
    expect(decided.lost.map(({ digest }) => digest)).toEqual(["m2"]);
    expect(decided.unchained.map(({ digest }) => digest)).toEqual(["m3", "m4"]);
    expect(decided.chained).toEqual(other);
    expect(decided.state).toMatchObject({ highest: 2, disputes: [] });
    const next = advance(decided.state);
    expect(next?.step).toMatchObject({ kind: "dispute", dispute: { number: 3, cause: "link" } });
    const rejected = decide(next?.state as ChainState, { number: 3, keep: null });
    const run = taken([manifest(3, "m2b", "b")], rejected.state);
    expect(chained(run)).toEqual(["m3b"]);
    expect(run.steps.at(-1)).toMatchObject({ kind: "dispute", dispute: { number: 4, cause: "link" } });
  });

  it("LEDGER-FORK: what is not in dispute, and what is not here, nobody decides", () => {
    const { state } = taken([...chain(2), manifest(2, "m1", "b")]);
    for (const wrong of [
      { number: 1, keep: "m1" },
      { number: 2, keep: "m9" },
    ]) {
      expect(() => decide(state, wrong)).toThrow(Refusal);
      expect(() => decide(state, wrong)).toThrow(expect.objectContaining({ code: "LEDGER-FORK" }));
    }
  });

  it("LEDGER-FORK: a rule of the verifier's that is broken stops the chain until keepers let it in", () => {
    const { state } = taken(chain(1));
    const second = manifest(2, "m1");
    expect(arrive(state, second).step.kind).toBe("chain");
    const { state: stopped, step } = breaksRules(state, second);
    expect(step).toMatchObject({ kind: "dispute", dispute: { number: 2, cause: "rules" } });
    expect(advance(stopped)).toBeUndefined();
    expect(decide(stopped, { number: 2, keep: "m2" }).chained).toEqual(second);
  });
});

describe("a continuity record in the ledger", () => {
  const record = { digest: "r", next: 6, missing: [{ from: 4, to: 5 }] };
  const after = [manifest(6, "r"), manifest(7, "m6")];

  it("LEDGER-GAP: it closes the gap that it names, and the chain goes on behind it without dispute", () => {
    const { state, steps } = taken([...chain(3), ...after], continueBy(emptyChain(genesis), record));
    expect(steps.map((step) => (step.kind === "chain" ? step.via : step.kind))).toEqual([
      "link",
      "link",
      "link",
      "record",
      "link",
    ]);
    expect(state).toMatchObject({ highest: 7, disputes: [] });
  });

  it("LEDGER-GAP: one that comes later settles the dispute that it explains, without a decision", () => {
    const { state } = taken([...chain(5), ...after]);
    expect(state.disputes).toEqual([{ number: 6, cause: "link" }]);
    const run = advanced(continueBy(state, { ...record, missing: [] }));
    expect(run).toMatchObject({ highest: 7, disputes: [] });
  });

  it("LEDGER-GAP: what was at hand when the box was made anew is still waited for", () => {
    const { state } = taken([...chain(2), ...after], continueBy(emptyChain(genesis), record));
    expect(nextNumber(state)).toBe(3);
    expect(state.highest).toBe(2);
    expect(taken([manifest(3, "m2")], state).state.highest).toBe(7);
  });

  it("LEDGER-GAP: one that turns up late in the gap enters where it fits on both sides, else it is in dispute", () => {
    const start = continueBy(emptyChain(genesis), { ...record, missing: [{ from: 3, to: 4 }] });
    const five = manifest(5, "m4");
    const { state } = taken([...chain(2), five, ...after], start);
    expect(state.highest).toBe(7);
    expect(arrive(state, manifest(3, "m2")).step).toMatchObject({ kind: "chain", via: "link" });
    expect(arrive(state, manifest(4, "m3")).step).toMatchObject({ kind: "chain", via: "gap" });
    expect(arrive(state, manifest(3, "m1")).step).toMatchObject({ kind: "dispute", dispute: { cause: "link" } });
    expect(arrive(state, manifest(4, "m3", "b")).step).toMatchObject({ kind: "dispute", dispute: { cause: "link" } });
  });

  it("LEDGER-FORK: behind a gap nothing follows but the record", () => {
    const { steps } = taken([...chain(3), manifest(6, "m5")], continueBy(emptyChain(genesis), record));
    expect(steps.at(-1)).toMatchObject({ kind: "dispute", dispute: { number: 6, cause: "link" } });
  });
});

/** All that follows from a state. */
function advanced(from: ChainState): ChainState {
  let state = from;
  for (let next = advance(state); next; next = advance(state)) state = next.state;
  return state;
}
