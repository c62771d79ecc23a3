import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { projectRoot } from "../structure/source-files.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-set-up-"));
afterAll(() => rmSync(dir, { recursive: true }));

it("set-up never has npm empty a folder of packages that node_modules only leads to", () => {
  const clone = join(dir, "clone");
  for (const name of ["scripts", "package.json", "package-lock.json"]) {
    cpSync(join(projectRoot, name), join(clone, name), { recursive: true });
  }
  const others = join(dir, "packages");
  mkdirSync(others);
  writeFileSync(join(others, "kept"), "");
  symlinkSync(others, join(clone, "node_modules"));
  const { status, stderr } = spawnSync(process.execPath, ["scripts/setup.mjs"], { cwd: clone, encoding: "utf8" });
  expect([status, stderr]).toEqual([1, expect.stringContaining("is a link")]);
  expect(existsSync(join(others, "kept"))).toBe(true);
});
