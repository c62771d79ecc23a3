import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeTree } from "../../host/remove-tree.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-remove-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("removing a folder", () => {
  it("NOTHING-LOST: removes all below it, and follows no link out of it", async () => {
    const kept = join(folder, "kept");
    mkdirSync(kept);
    writeFileSync(join(kept, "file"), "x");
    const doomed = join(folder, "doomed");
    mkdirSync(join(doomed, "a/b/c"), { recursive: true });
    writeFileSync(join(doomed, "a/b/c/file"), "x");
    writeFileSync(join(doomed, "a/ünï .txt"), "x");
    symlinkSync(kept, join(doomed, "a/link"));
    symlinkSync("/nowhere", join(doomed, "dangling"));
    await removeTree(doomed);
    expect(readdirSync(folder)).toEqual(["kept"]);
    expect(readdirSync(kept)).toEqual(["file"]);
  });

  it("NOTHING-LOST: a link, a file and nothing are removed as what they are", async () => {
    writeFileSync(join(folder, "file"), "x");
    symlinkSync(join(folder, "file"), join(folder, "link"));
    await removeTree(join(folder, "link"));
    expect(existsSync(join(folder, "file"))).toBe(true);
    await removeTree(join(folder, "file"));
    await removeTree(join(folder, "file"));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("UX5: many files are removed, and other work has its turn meanwhile", async () => {
    const many = join(folder, "many");
    mkdirSync(many);
    for (let at = 0; at < 5000; at++) writeFileSync(join(many, `${at}`), "");
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    await removeTree(many);
    clearInterval(timer);
    expect(existsSync(many)).toBe(false);
    expect(turns).toBeGreaterThan(0);
  });
});
