/** The sweep: chains of points are struck in several lanes until all points are done, or enough of them were reached. */

import { type Chains, chainText } from "./chain.ts";
import { Lane, type LaneAnswer, type LanePlace } from "./lane.ts";
import type { Counted } from "./measure.ts";
import type { Point } from "./point.ts";
import type { Outcome } from "./strike.ts";

export interface Struck {
  readonly point: Point;
  readonly outcome: Outcome;
  /** its share of what the batch took */
  readonly seconds: number;
  /** the points that make it happen again: those that were struck in the same batch, or the point alone */
  readonly chain: readonly Point[];
}

/** Strikes points in one batch; gives what came of the first ones, one at least. */
export type Strike = (points: readonly Point[], fresh: boolean) => Promise<readonly Outcome[]>;

/** Counts the calls of an unharmed batch, in a process of its own. */
export async function counted(place: LanePlace): Promise<readonly Counted[]> {
  const lane = new Lane(place);
  const answer = await lane.ask("measure");
  await lane.ask("end");
  if (answer === "ended" || !("counted" in answer))
    throw new Error(`an unharmed batch could not be counted: ${JSON.stringify(answer)}`);
  return answer.counted;
}

/** Strikes the chains in their order until `enough`; tells each. A point that could not be struck at all is broken. */
export async function sweep(
  chains: Chains,
  options: {
    readonly place: LanePlace;
    readonly lanes: number;
    readonly enough: (all: readonly Struck[]) => boolean;
  },
  onStruck: (struck: Struck) => void,
): Promise<readonly Struck[]> {
  const all: Struck[] = [];
  const inLane = async () => {
    let lane = new Lane(options.place);
    const strike: Strike = async (chain, fresh) => {
      const answer = await lane.ask({ points: chain, fresh });
      if (answer !== "ended" && "outcomes" in answer) return answer.outcomes;
      await lane.ask("end");
      lane = new Lane(options.place);
      return chain.map(() => failed(answer));
    };
    while (!options.enough(all)) {
      const chain = chains.next();
      if (chain.length === 0) break;
      const struck = await strikeChain(chain, strike);
      // The start before these went on.
      chains.back(chain.slice(struck.length));
      all.push(...struck);
      for (const one of struck) onStruck(one);
    }
    await lane.ask("end");
  };
  await Promise.all(Array.from({ length: Math.min(options.lanes, chains.many) }, inLane));
  return all;
}

/**
 * Strikes a chain. Where something is broken after several points, each is struck again alone, on a fresh box: those that break it are told for themselves, and where none does,
 * the chain is told at its last point. Gives the first points, one at least, that were come to.
 */
export async function strikeChain(chain: readonly Point[], strike: Strike): Promise<readonly Struck[]> {
  const begun = performance.now();
  const outcomes = await strike(chain, false);
  const came = chain.slice(0, outcomes.length);
  const broken = outcomes.find((one) => one.broken.length > 0)?.broken ?? [];
  const alone: Outcome[] = [];
  if (broken.length > 0 && came.length > 1)
    for (const point of came) alone.push(...(await strike([point], true)).slice(0, 1));
  const noneAlone = alone.every((one) => one.broken.length === 0);
  const told = broken.map(([promise, how]) => [promise, `${how} (after ${chainText(came)})`] as const);
  const seconds = (performance.now() - begun) / 1000 / came.length;
  return came.map((point, at): Struck => {
    const first = outcomes[at] as Outcome;
    if (alone.length === 0) return { point, outcome: first, seconds, chain: came };
    const again = alone[at] as Outcome;
    const struck = first.struck || again.struck;
    const last = noneAlone && at === came.length - 1;
    return {
      point,
      outcome: { ...again, struck, broken: last ? told : again.broken },
      seconds,
      chain: last ? came : [point],
    };
  });
}

function failed(answer: LaneAnswer): Outcome {
  const why = answer !== "ended" && "failed" in answer ? answer.failed : "the lane ended";
  return {
    struck: true,
    broken: [["NOTHING-LOST", why]],
    restarted: [],
    byHand: false,
    told: false,
    refused: undefined,
  };
}
