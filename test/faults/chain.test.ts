import { describe, expect, it } from "vitest";
import { chainsOf, chainText, nextChain } from "./chain.ts";
import { pointsOf } from "./measure.ts";
import { type Point, pointText } from "./point.ts";
import type { Outcome } from "./strike.ts";
import { type Strike, strikeChain } from "./sweep.ts";

const starts = pointsOf([{ part: "signer", where: "start", call: "openat", times: 20 }]);
const others = pointsOf([
  { part: "daemon", where: "start", call: "openat", times: 2 },
  { part: "signer", where: "main", call: "openat", times: 2 },
]);
const well: Outcome = { struck: true, broken: [], restarted: [], byHand: false, told: false, refused: undefined };
const lost = { ...well, broken: [["NOTHING-LOST", "gone"]] as const };

describe("chains of starts", () => {
  it("T21: a chain holds starts of one part only, at most as many as a batch bears, and a point of a running process stands alone", () => {
    const [mainPoint] = others.slice(-1) as [Point];
    const { chain, left } = nextChain([starts[0] as Point, mainPoint, ...starts.slice(1), ...others]);
    expect(chain).toEqual(starts.slice(0, 25));
    expect(left).toEqual([mainPoint, ...starts.slice(25), ...others]);
    expect(nextChain([mainPoint, ...others]).chain).toEqual([mainPoint]);
  });

  it("T21: no point is left out where starts go on before the chain is at its end", () => {
    const chains = chainsOf([...starts, ...others]);
    const struck: string[] = [];
    for (let chain = chains.next(); chain.length > 0; chain = chains.next()) {
      const came = Math.ceil(chain.length / 3);
      struck.push(...chain.slice(0, came).map(pointText));
      chains.back(chain.slice(came));
    }
    expect(struck.sort()).toEqual([...starts, ...others].map(pointText).sort());
  });

  it("T21: each point of a chain is judged for itself whether the fault came about", async () => {
    const came = await strikeChain(starts.slice(0, 3), async () => [well, { ...well, struck: false }]);
    expect(came.map(({ point, outcome }) => [point, outcome.struck])).toEqual([
      [starts[0], true],
      [starts[1], false],
    ]);
  });

  it("T21: what a chain broke is told at the point that breaks it alone, on a fresh box", async () => {
    const asked: string[] = [];
    const strike: Strike = async (points, fresh) => {
      asked.push(`${chainText(points)} ${fresh}`);
      return points.map(() => (points.includes(starts[1] as Point) ? lost : well));
    };
    const came = await strikeChain(starts.slice(0, 3), strike);
    expect(came.map(({ outcome }) => outcome.broken)).toEqual([[], lost.broken, []]);
    expect(came[1]?.chain).toEqual([starts[1]]);
    expect(asked).toHaveLength(4);
    expect(asked.slice(1)).toEqual(starts.slice(0, 3).map((one) => `${pointText(one)} true`));
  });

  it("T21: what no point of a chain breaks alone is told of the chain", async () => {
    const strike: Strike = async (points) => points.map(() => (points.length > 1 ? lost : well));
    const came = await strikeChain(starts.slice(0, 3), strike);
    expect(came.map(({ outcome }) => outcome.broken.length)).toEqual([0, 0, 1]);
    expect(came[2]?.outcome.broken[0]?.[1]).toContain(chainText(starts.slice(0, 3)));
    expect(came[2]?.chain).toEqual(starts.slice(0, 3));
  });
});
