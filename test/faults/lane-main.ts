/** A lane of the sweep, a process of its own: PKCS#11 modules read their place from the environment of a process. Strikes the points that it is sent, on a box that it keeps. */

import process from "node:process";
import { strikeClock } from "./clock/strike-clock.ts";
import type { LaneAnswer, LaneOrder } from "./lane.ts";
import { measure } from "./measure.ts";
import { StruckBox } from "./strike.ts";

/** A box's record grows, and with it what each check costs. */
const batchesOfABox = 40;

const between = { shim: process.env.COLDSEAL_FAULT_SHIM, starter: process.env.COLDSEAL_FAULT_STARTER };

let struck: StruckBox | undefined;
process.on("message", (order: LaneOrder) => {
  void work(order)
    .catch((fault: Error): LaneAnswer => ({ failed: fault.stack ?? String(fault) }))
    .then((answer) => process.send?.(answer, undefined, {}, () => answer === "ended" && process.disconnect?.()));
});
// Whoever gave the orders is gone.
process.once("disconnect", () => void away().finally(() => process.exit()));

async function work(order: LaneOrder): Promise<LaneAnswer> {
  if (order === "end") {
    await away();
    return "ended";
  }
  if (order === "measure") return { counted: await measure(between) };
  const { points, fresh } = order;
  const [first] = points;
  if (first?.kind === "clock") return { outcomes: [await strikeClock(first)] };
  if (fresh || (struck && struck.batches >= batchesOfABox)) await away();
  struck ??= await StruckBox.make(between);
  try {
    const outcomes = await struck.strike(points.filter((one) => one.kind !== "clock"));
    // What is broken must not be found again at the next point.
    if (outcomes.some(({ broken }) => broken.length > 0)) await away();
    return { outcomes };
  } catch (fault) {
    await away();
    throw fault;
  }
}

async function away(): Promise<void> {
  const old = struck;
  struck = undefined;
  await old?.box.remove();
}
