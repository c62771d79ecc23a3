/** The sweep: points are struck in several lanes until all are done, or enough of them were reached. */

import { Lane, type LanePlace } from "./lane.ts";
import type { Counted } from "./measure.ts";
import type { Point } from "./point.ts";
import type { Outcome } from "./strike.ts";

export interface Struck {
  readonly point: Point;
  readonly outcome: Outcome;
  readonly seconds: number;
}

/** Counts the calls of an unharmed batch, in a process of its own. */
export async function counted(place: LanePlace): Promise<readonly Counted[]> {
  const lane = new Lane(place);
  const answer = await lane.ask("measure");
  await lane.ask("end");
  if (answer === "ended" || !("counted" in answer))
    throw new Error(`an unharmed batch could not be counted: ${JSON.stringify(answer)}`);
  return answer.counted;
}

/** Strikes the points in their order until `enough`; tells each. A point that could not be struck at all is broken. */
export async function sweep(
  points: readonly Point[],
  options: {
    readonly place: LanePlace;
    readonly lanes: number;
    readonly enough: (all: readonly Struck[]) => boolean;
  },
  onStruck: (struck: Struck) => void,
): Promise<readonly Struck[]> {
  const all: Struck[] = [];
  let next = 0;
  const inLane = async () => {
    let lane = new Lane(options.place);
    for (;;) {
      const point = options.enough(all) ? undefined : points[next++];
      if (!point) break;
      const begun = performance.now();
      const answer = await lane.ask(point);
      const outcome = outcomeOf(answer);
      if (answer !== "ended" && "failed" in answer) {
        await lane.ask("end");
        lane = new Lane(options.place);
      }
      const struck = { point, outcome, seconds: (performance.now() - begun) / 1000 };
      all.push(struck);
      onStruck(struck);
    }
    await lane.ask("end");
  };
  await Promise.all(Array.from({ length: Math.min(options.lanes, points.length) }, inLane));
  return all;
}

function outcomeOf(answer: Awaited<ReturnType<Lane["ask"]>>): Outcome {
  if (answer !== "ended" && "outcome" in answer) return answer.outcome;
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
