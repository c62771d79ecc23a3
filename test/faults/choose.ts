/** Which points a quick run takes: a sample by a seed, spread over processes, threads, calls and faults. Pure. */

import type { Point } from "./point.ts";

/**
 * The points in an order in which any first part of them is spread: one of each kind (process, thread, call, and fault) after another, kinds and
 * points picked by `random`.
 */
export function spread(points: readonly Point[], random: () => number): readonly Point[] {
  const kinds = new Map<string, Point[]>();
  for (const point of points) {
    const kind = kindOf(point);
    const known = kinds.get(kind);
    if (known) known.push(point);
    else kinds.set(kind, [point]);
  }
  const left = shuffled([...kinds.values()], random).map((kind) => shuffled(kind, random));
  const chosen: Point[] = [];
  for (let round = 0; chosen.length < points.length; round++)
    for (const kind of left) {
      const next = kind[round];
      if (next) chosen.push(next);
    }
  return chosen;
}

/** A start costs several times what a call of a running process does: its faults are one kind. So do calls that hang, until people are told. */
function kindOf({ kind, part, where, call, fault }: Point): string {
  if (kind === "clock") return fault;
  if (fault === "HANG") return `${part}.${where}:HANG`;
  const started = kind === "call" ? where === "start" : where !== "token";
  return `${part}.${where}:${call}${started ? "" : `:${fault}`}`;
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  const mixed = [...all];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}
