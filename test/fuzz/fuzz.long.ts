import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { targets } from "./targets.ts";

const seed = 20_261_125;
const runs = 25;

describe("hostile input", () => {
  it(`T5, T6, T29: ${runs} mutated inputs for every reader, from seed ${seed}, are read or refused in time`, async () => {
    const out = mkdtempSync(join(tmpdir(), "coldseal-fuzz-test-"));
    const args = ["--seconds", "100", "--runs", `${runs}`, "--seed", `${seed}`, "--out", out];
    const run = promisify(execFile)(process.execPath, [join(import.meta.dirname, "main.ts"), ...args]);
    const { stdout } = await run.catch((fault: { stdout: string }) => fault);
    rmSync(out, { recursive: true });
    expect(stdout).toContain(`seed ${seed}, ${targets.length} targets`);
    expect(stdout.split("\n").filter((line) => line.startsWith("FOUND"))).toEqual([]);
    expect(stdout).toContain(`${targets.length * runs} runs`);
    expect(stdout).toContain("\n0 findings\n");
  });

  it("has names of its own for all targets", () => {
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
  });
});
