/** The failure table: one life for each effect and each way to fail, until the effects are over, and every promise asked after each. */

import type { Breach } from "./breach.ts";
import type { Effects, How, Plan } from "./effects.ts";

export interface Journey {
  readonly effects: Effects;
  /** what went wrong on the way, for whoever reads a failed test */
  readonly faults: readonly string[];
  run(plan: Plan): Promise<void>;
  check(): Promise<readonly Breach[]>;
  remove(): void | Promise<void>;
}

/** Gives the effects that were hit, all there are; `together`: so many lives at the same time. Throws at the first life that breaks a promise. */
export async function failureTable(make: () => Promise<Journey>, how: How, together = 1): Promise<readonly string[]> {
  const begun = performance.now();
  const hit: string[] = [];
  let next = 1;
  let over = false;
  const lives = async () => {
    while (!over) {
      const at = next++;
      const journey = await make();
      const where = () => `${how} effect ${at} (${journey.effects.hit}), on the way ${journey.faults.join("; ")}`;
      try {
        await journey.run({ at, how });
        const broken = await journey.check();
        if (broken.length > 0) throw new Error(broken.map(([promise, what]) => `${promise}: ${what}`).join("; "));
        if (journey.effects.hit === undefined) over = true;
        else hit.push(journey.effects.hit);
      } catch (cause) {
        over = true;
        throw new Error(where(), { cause });
      } finally {
        await journey.remove();
      }
    }
  };
  await Promise.all(Array.from({ length: together }, lives));
  console.info(`${hit.length} effects ${how}, ${Math.round(performance.now() - begun)} ms`);
  return hit;
}
