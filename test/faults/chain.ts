/** Which points one batch bears: starts of one part that follow one another, or a single other point. Pure. */

import { type CallPoint, type Part, type Point, pointText } from "./point.ts";

/** So many deaths in a row of a part. The third copying intake that dies has a batch refused. */
const longest: Readonly<Record<Part, number>> = { scan: 25, take: 2, daemon: 25, signer: 25 };

/** The first of the points that are left, and starts of the same part behind it, as many as one batch bears; and what is left then, in its order. */
export function nextChain(left: readonly Point[]): {
  readonly chain: readonly Point[];
  readonly left: readonly Point[];
} {
  const [first] = left;
  if (!first) return { chain: [], left };
  const many = isStart(first) ? longest[first.part] : 1;
  const chain: Point[] = [];
  const rest: Point[] = [];
  for (const point of left)
    if (chain.length < many && (point === first || (isStart(point) && point.part === first.part))) chain.push(point);
    else rest.push(point);
  return { chain, left: rest };
}

/** A process that is started under a fault. */
export function isStart(point: Point): point is CallPoint {
  return point.kind === "call" && point.where === "start";
}

/** The chains of a sweep, one after another; what a chain did not come to is put back. */
export interface Chains {
  /** empty: none is left */
  next(): readonly Point[];
  back(points: readonly Point[]): void;
  /** how many points are left */
  readonly many: number;
}

export function chainsOf(points: readonly Point[]): Chains {
  let all = points;
  return {
    next() {
      const { chain, left } = nextChain(all);
      all = left;
      return chain;
    },
    back(some) {
      all = [...some, ...all];
    },
    get many() {
      return all.length;
    },
  };
}

/** These chains and no others. */
export function givenChains(chains: readonly (readonly Point[])[]): Chains {
  const all = [...chains];
  return {
    next: () => all.shift() ?? [],
    back: (some) => some.length > 0 && all.unshift(some),
    get many() {
      return all.flat().length;
    },
  };
}

/** As `--points` takes it. */
export function chainText(chain: readonly Point[]): string {
  return chain.map(pointText).join("+");
}
