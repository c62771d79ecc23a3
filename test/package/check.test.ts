import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { differences, listOf } from "../../appliance/package/check.ts";
import { made } from "../../appliance/package/entry.ts";
import { packageList } from "../../appliance/package/file-list.ts";
import { writeTree } from "../../appliance/package/tree.ts";
import { canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { projectRoot } from "../structure/source-files.ts";

const product = "usr/lib/coldseal";
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-package-check-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A small package, unpacked (with DEBIAN) or installed, and its list. */
function unpacked(name: string, installed = false): { readonly folder: string; readonly list: Uint8Array } {
  const folder = join(dir, name);
  const link = { path: "usr/bin/a", executable: true, content: { kind: "link", to: "../lib/coldseal/a" } } as const;
  const written = writeTree(folder, [
    made(`${product}/a`, Buffer.from("a"), true),
    made(`${product}/b`, Buffer.from("b")),
    link,
  ]);
  const control = writeTree(join(dir, `${name}-control`, "DEBIAN"), [
    made("postinst", Buffer.from("#!/bin/sh\n"), true),
  ]);
  if (!installed) execFileSync("cp", ["-a", join(dir, `${name}-control`, "DEBIAN"), folder]);
  const list = packageList({
    architecture: "amd64",
    changed: false,
    commit: "ab".repeat(20),
    control: control.files.map(({ path, sha256 }) => ({ path, sha256 })),
    files: written.files.map(({ md5: _, ...file }) => file),
    links: written.links,
    software: "cd".repeat(32),
    version: "1.2.3",
  });
  writeFileSync(join(folder, product, "files.json"), list);
  return { folder, list };
}

it.each<[string, (folder: string) => void, readonly string[]]>([
  ["nothing changed", () => undefined, []],
  ["a file changed", (folder) => writeFileSync(join(folder, product, "b"), "c"), [`${product}/b: was changed`]],
  ["a file missing", (folder) => unlinkSync(join(folder, product, "b")), [`${product}/b: is missing`]],
  ["a file executable", (folder) => chmodSync(join(folder, product, "b"), 0o755), [`${product}/b: has another mode`]],
  ["a file more", (folder) => writeFileSync(join(folder, product, "c"), ""), [`${product}/c: is not in the list`]],
  [
    "a link in a file's place",
    (folder) => {
      unlinkSync(join(folder, product, "b"));
      symlinkSync("a", join(folder, product, "b"));
    },
    [`${product}/b: is no file`],
  ],
  [
    "a link elsewhere",
    (folder) => {
      unlinkSync(join(folder, "usr/bin/a"));
      symlinkSync("/tmp/a", join(folder, "usr/bin/a"));
    },
    ["usr/bin/a: is not the link to ../lib/coldseal/a"],
  ],
  [
    "a script that dpkg runs",
    (folder) => writeFileSync(join(folder, "DEBIAN/postinst"), "id"),
    ["DEBIAN/postinst: was changed"],
  ],
  [
    "a script more",
    (folder) => writeFileSync(join(folder, "DEBIAN/prerm"), "id"),
    ["DEBIAN/prerm: is not in the list"],
  ],
])("PACKAGE: %s is said of an unpacked package", (name, change, said) => {
  const { folder, list } = unpacked(name.replaceAll(" ", "-"));
  change(folder);
  expect(differences(folder, listOf(list))).toEqual(said);
});

it("PACKAGE: beside an installed one other packages have files, but not in its own folder", () => {
  const { folder, list } = unpacked("installed", true);
  mkdirSync(join(folder, "usr/share"));
  writeFileSync(join(folder, "usr/share/other"), "");
  expect(differences(folder, listOf(list))).toEqual([]);
  writeFileSync(join(folder, product, "more"), "");
  expect(differences(folder, listOf(list))).toEqual([`${product}/more: is not in the list`]);
});

it.each([
  ["no JSON", Buffer.from("{"), "JSON"],
  ["another type", canonicalBytes({ type: "manifest", version: 1 }), "SHAPE"],
  ["not canonical", Buffer.from("{ }"), "JSON"],
])("PACKAGE: a list that is %s is refused", (_, bytes, code) => {
  expect(() => listOf(bytes)).toThrow(expect.objectContaining({ code }));
});

it.each(["/etc/passwd", "a/../../b", "a//b", "."])("PACKAGE: a list with the path %s is refused", (path) => {
  const { list } = unpacked(`path-${path.replaceAll("/", "_")}`);
  const text = Buffer.from(list).toString().replace(`"${product}/a"`, JSON.stringify(path));
  expect(() => listOf(Buffer.from(text))).toThrow(expect.objectContaining({ code: "SHAPE" }));
});

it("PACKAGE: as a program it ends with 0 where all is as listed, with 4 where not, with 2 and 1 where it cannot check", () => {
  const { folder } = unpacked("program");
  const list = join(folder, product, "files.json");
  const ran = (...args: readonly string[]) => {
    const main = join(projectRoot, "appliance/package/check-main.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
    return [status, stdout + stderr];
  };
  expect(ran(folder, list)).toEqual([0, expect.stringContaining("2 files and 1 links are as listed")]);
  writeFileSync(join(folder, product, "b"), "c");
  expect(ran(folder, list)).toEqual([4, `${product}/b: was changed\n`]);
  expect(ran(folder)[0]).toBe(2);
  expect(ran(folder, join(folder, product, "a"))).toEqual([1, expect.stringContaining("JSON")]);
});
