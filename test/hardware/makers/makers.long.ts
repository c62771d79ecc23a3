import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inFolder, makers } from "./maker.ts";

/** The table of docs/tokens.md: what is expected, by step and maker; "–" where the step is not reached. */
const page = readFileSync(new URL("../../../docs/tokens.md", import.meta.url), "utf8");
const [header = [], , ...rows] = page
  .slice(0, page.indexOf("## Not tried"))
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) => line.split("|").map((cell) => cell.trim()));

function expected(name: string): Record<string, string> {
  const column = header.indexOf(name);
  return Object.fromEntries(rows.map((row) => [row[1] ?? "", row[column] ?? ""]).filter(([, said]) => said !== "–"));
}

describe("tokens of several makers", () => {
  it.skipIf(process.env.CI === undefined).each(makers)("HSM-UNSUPPORTED: under CI $name is here", ({ here }) => {
    expect(here).toBe(true);
  });

  it.each(makers.filter(({ here }) => here))(
    "HSM-UNSUPPORTED: $name does what docs/tokens.md says, and refuses the rest with a code",
    async ({ name, tour }) => {
      expect(await inFolder(tour)).toEqual(expected(name));
    },
  );
});
