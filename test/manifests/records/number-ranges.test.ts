import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, gapsBetween, merged, type NumberRange, rangesOf } from "../../../manifests/records/number-ranges.ts";

const numbersIn = (ranges: Iterable<NumberRange>) =>
  [...ranges].flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
const someNumbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 })).map((all) => all.sort((a, b) => a - b));

describe("ranges of numbers", () => {
  it("CHAIN: what was seen and what is missing are all numbers up to the last, each once", () => {
    fc.assert(
      fc.property(someNumbers, fc.integer({ min: 0, max: 70 }), (numbers, more) => {
        const last = Math.max(more, ...numbers);
        const ranges = rangesOf(numbers);
        expect(numbersIn(ranges)).toEqual(numbers);
        const all = [...numbersIn(ranges), ...numbersIn(gapsBetween(ranges, last))].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: last }, (_, at) => at + 1));
      }),
    );
  });

  it("CHAIN: pieces of ranges are the ranges, and each lies in the others or outside of them", () => {
    fc.assert(
      fc.property(someNumbers, someNumbers, (numbers, others) => {
        const pieces = [...cut(rangesOf(numbers), rangesOf(others))];
        expect(numbersIn(pieces)).toEqual(numbers);
        expect(numbersIn(pieces.filter(({ inside }) => inside))).toEqual(numbers.filter((one) => others.includes(one)));
      }),
    );
  });

  it("CHAIN: ranges that overlap become one", () => {
    expect(
      merged([
        { from: 5, to: 7 },
        { from: 1, to: 2 },
        { from: 3, to: 3 },
        { from: 6, to: 6 },
      ]),
    ).toEqual([
      { from: 1, to: 3 },
      { from: 5, to: 7 },
    ]);
    expect(rangesOf([1, 1, 2, 4])).toEqual([
      { from: 1, to: 2 },
      { from: 4, to: 4 },
    ]);
  });
});
