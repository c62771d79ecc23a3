import { closeSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openFolderIn, openRoot } from "../../host/no-follow.ts";
import { Refusal } from "../../manifests/refusal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coldseal-nofollow-"));
  mkdirSync(join(folder, "real"));
  symlinkSync("real", join(folder, "link"));
  writeFileSync(join(folder, "file"), "x");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function gotOf(open: () => unknown): string | undefined {
  try {
    open();
    return "opened";
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    expect(fault.code).toBe("MEDIA-KIND");
    return fault.got;
  }
}

describe("where a folder is wanted", () => {
  it.each([
    ["link", "a link"],
    ["file", "a file"],
  ])("MEDIA-KIND: a %s in an open folder is told as %s", (name, got) => {
    const root = openRoot(folder);
    try {
      expect(gotOf(() => openFolderIn(root, name))).toBe(got);
      expect(openFolderIn(root, "missing")).toBeUndefined();
    } finally {
      closeSync(root);
    }
  });

  it("MEDIA-KIND: a file in the way to it is not told as a link", () => {
    expect(gotOf(() => openRoot(join(folder, "file")))).toBe("a file");
    expect(gotOf(() => openRoot(join(folder, "file/below")))).toBe("a part of the path that is no folder");
  });
});
