import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { folderDigest } from "../../media/outgoing/folder-digest.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-digest-"));
  mkdirSync(join(folder, "seals/0000"), { recursive: true });
  writeFileSync(join(folder, "manifest.p7m"), "M");
  writeFileSync(join(folder, "seals/0000/000001-a.p7s"), "S");
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each<[string, () => void]>([
  ["a changed byte", () => writeFileSync(join(folder, "manifest.p7m"), "m")],
  ["a file that is cut off", () => writeFileSync(join(folder, "seals/0000/000001-a.p7s"), "")],
  ["another name", () => renameSync(join(folder, "manifest.p7m"), join(folder, "manifest"))],
  ["a file that is gone", () => rmSync(join(folder, "manifest.p7m"))],
  ["a file too many", () => writeFileSync(join(folder, "seals/x"), "")],
  ["files that swapped places", () => writeFileSync(join(folder, "manifest.p7m"), "S")],
])("CHECKED-OUT: the digest of a folder shows %s", async (_, change) => {
  const before = await folderDigest(folder);
  expect(await folderDigest(folder)).toBe(before);
  change();
  expect(await folderDigest(folder)).not.toBe(before);
});

it("T1: a link in the folder, and a folder that is not there, are refused", async () => {
  symlinkSync("/etc/passwd", join(folder, "link"));
  await expect(folderDigest(folder)).rejects.toMatchObject({ code: "MEDIA-KIND" });
  await expect(folderDigest(join(folder, "nothing"))).rejects.toMatchObject({ code: "MEDIA-READ" });
});
