import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judge } from "./oracle.ts";
import { targetsNamed } from "./targets.ts";

const folder = join(import.meta.dirname, "corpus");

/** `TARGET/NAME`; beside each stands `NAME.txt`, which says what it was. */
const kept = readdirSync(folder).flatMap((target) =>
  readdirSync(join(folder, target))
    .filter((name) => !name.endsWith(".txt"))
    .map((name) => [target, name] as const),
);

describe("what fuzzing found once", () => {
  it("T5, T29: is kept", () => {
    expect(kept.length).toBeGreaterThan(5);
  });

  it.each(kept)("T5, T29: %s/%s is read or refused in time", async (target, name) => {
    const [found] = targetsNamed([target]);
    if (!found) throw new Error(`no target ${target}`);
    expect(readFileSync(join(folder, target, `${name}.txt`), "utf8")).toMatch(/\S{3}/);
    const [seed = new Uint8Array(0)] = await found.seeds();
    await judge(found, seed); // so that the code is warm, as it is in the long run
    const judged = await judge(found, new Uint8Array(readFileSync(join(folder, target, name))));
    expect(judged).toMatchObject({ failure: undefined });
  });
});
