/** Strikes starts of one part, one after another in the middle of one batch: each death is followed by a start under the next point. */

import type { FaultBox } from "../fault-box.ts";
import type { Life } from "../life.ts";
import type { CallPoint } from "../point.ts";
import { holdsWithin } from "../waiting.ts";

/** Milliseconds until somebody starts the part, until it came to its call, and until it has ended of it. */
const patience = { started: 40_000, met: 4_000, ended: 1_500 };

export interface StruckStarts {
  readonly lived: Life;
  /** of the first points, whether the fault came about; those behind were not come to, as the start before them went on */
  readonly struck: readonly boolean[];
}

/** Starts under the points until one goes on, or all died of theirs; then unharmed, until the batch is answered. At least the first point is come to. */
export async function strikeStarts(
  box: FaultBox,
  plug: () => Promise<Life>,
  points: readonly CallPoint[],
): Promise<StruckStarts> {
  const [first] = points as readonly [CallPoint];
  const { part } = first;
  const plan = box.plan(part);
  // A batch that is plugged has its copying intake started.
  if (part === "take") plan.strike(first);
  const lived = await plug();
  if (part !== "take") await lived.untilApprovedOnce();
  const struck: boolean[] = [];
  for (const point of points) {
    if (part !== "take" || struck.length > 0) plan.strike(point);
    const came = part === "take" ? await taken(box, lived, point) : await started(box, point);
    if (!came && struck.length > 0) break;
    struck.push(plan.struck);
    if (!plan.struck || !(await gone(box, point))) break;
  }
  const last = struck.length - 1;
  await lived.untilAnswered(part);
  // It came to its call later, in the rest of the batch.
  struck[last] ||= plan.struck;
  plan.clear();
  await box.untraced();
  return { lived, struck };
}

/** Ends the part and starts it under the point, until it is up or met its fault. Gives whether it was started. */
async function started(box: FaultBox, point: CallPoint): Promise<boolean> {
  const { part } = point;
  const plan = box.plan(part);
  await box.end(part);
  if (part !== "scan") await box.keep();
  // Another one is started for the next look.
  else if (await holdsWithin(patience.started, () => plan.taken)) await met(box, point);
  return plan.taken;
}

/** Until the daemon started an intake for the batch, and that met its fault; false when the batch was copied or refused before. */
async function taken(box: FaultBox, lived: Life, point: CallPoint): Promise<boolean> {
  const plan = box.plan(point.part);
  const copied = async () => ["waiting-for-approval", "refused"].includes((await lived.row())?.state ?? "");
  await holdsWithin(patience.started, async () => plan.taken || (await copied()));
  if (plan.taken) await met(box, point);
  return plan.taken;
}

async function met(box: FaultBox, { part, when }: CallPoint): Promise<void> {
  const plan = box.plan(part);
  await holdsWithin(patience.met, () => plan.struck || plan.ended || plan.calls >= when);
}

/** Whether the part ended of its fault. */
async function gone(box: FaultBox, { part, fault }: CallPoint): Promise<boolean> {
  const plan = box.plan(part);
  if (fault === "SIGKILL" || part === "scan" || part === "take") return holdsWithin(patience.ended, () => plan.ended);
  return box.pid(part) === undefined;
}
