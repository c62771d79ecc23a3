/** Numbers on bags and seals: read from the things themselves by a witness, and typed. */

import { Refusal } from "../../../manifests/refusal.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import type { Form } from "../../engine/scene.ts";
import { witnessOf } from "../genesis/begin.ts";

export interface Bag {
  readonly item: string;
  readonly number: string;
}

/** Asks for each item's number. `expected` is what it must be; a made-up person types it, or a made-up one. */
export function bagsStep(
  items: readonly string[],
  expected: (item: string) => Promise<string | undefined>,
  script: readonly string[],
): Step {
  return {
    id: "bags",
    title: "Read the numbers of bags and seals",
    acts: "a witness",
    checks: "the administrator",
    minutes: 3,
    script,
    wayBack: "Read the number again. If it is another one: leave the step out, which records a deviation, or abandon.",
    needs: ["before"],
    mayBeSkipped: true,
    perform: async (stage) => {
      const witness = witnessOf(stage);
      const facts: Record<string, string> = {};
      for (const item of items) {
        const wanted = await expected(item);
        const typed = await stage.scene.type(witness, `The number on: ${item}: `, numberForm(wanted));
        if (wanted !== undefined && typed !== wanted) {
          throw new Refusal("CEREMONY-STEP", `the number on ${item} is another one than at the close`, {
            expected: wanted,
            got: typed,
          });
        }
        facts[item] = typed;
      }
      return { people: [witness, leaderOf(stage.file, stage.present())], facts };
    },
  };
}

/** What the step found; nothing where it was left out. */
export function bagsFound(stage: Stage, items: readonly string[]): readonly Bag[] {
  const facts = stage.facts("bags");
  return items.flatMap((item) => (facts[item] === undefined ? [] : [{ item, number: facts[item] }]));
}

function numberForm(wanted: string | undefined): Form {
  return {
    pattern: /^[A-Za-z0-9][A-Za-z0-9 ./_-]{0,63}$/,
    expected: "the number as it is printed on the bag or seal",
    example: () => wanted ?? "B-0001",
  };
}
