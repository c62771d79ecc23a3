import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { committedFiles, projectRoot } from "./source-files.ts";

const read = (path: string) => readFileSync(join(projectRoot, path), "utf8");

/** Source files that may be longer than 300 lines, each with its reason. */
const longFiles: Readonly<Record<string, string>> = {};

interface Package {
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}
const manifest = JSON.parse(read("package.json")) as Package;
const ledger = JSON.parse(read("ledger/package.json")) as Pick<Package, "dependencies">;
const pins = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };

describe("dependencies", () => {
  it("T31: every version in package.json is exact", () => {
    const all = [...Object.entries(pins), ...Object.entries(ledger.dependencies)];
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("T31: what the ledger and the box both depend on is one version", () => {
    const shared = Object.keys(ledger.dependencies).filter((name) => name in pins);
    expect(shared.map((name) => ledger.dependencies[name])).toEqual(shared.map((name) => pins[name]));
  });

  it("T31: the lock file names no registry and has a digest for every package", () => {
    const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, Record<string, unknown>> };
    const { "": project, ledger: workspace, "node_modules/coldseal-ledger": link, ...packages } = lock.packages;
    expect(project).toBeDefined();
    expect(workspace).toMatchObject({ dependencies: ledger.dependencies });
    expect(link).toEqual({ resolved: "ledger", link: true });
    expect(Object.keys(packages).length).toBeGreaterThan(50);
    expect(Object.entries(packages).filter(([, entry]) => "resolved" in entry)).toEqual([]);
    expect(Object.entries(packages).filter(([, entry]) => !/^sha512-/.test(String(entry.integrity)))).toEqual([]);
  });

  it("T31: docs/dependencies.md has a row for each dependency and for nothing else", () => {
    const rows = [...read("docs/dependencies.md").matchAll(/^\| `([^`]+)` \|/gm)].map((row) => row[1]);
    expect(rows.toSorted()).toEqual(Object.keys({ ...pins, ...ledger.dependencies }).toSorted());
  });
});

describe("committed files", () => {
  const files = committedFiles();

  it("FILES: no source file is over 300 lines", () => {
    const sources = files.filter((path) => /\.(ts|mjs)$/.test(path) && !path.startsWith("test/"));
    expect(sources.length).toBeGreaterThan(20);
    const long = sources.filter((path) => read(path).split("\n").length > 301 && !(path in longFiles));
    expect(long).toEqual([]);
  });

  it("FILES: no file names a folder of the machine that it was written on", () => {
    const machine = ["work", "root"].map((folder) => ["", folder, ""].join("/"));
    const names = new RegExp(`(^|[\\s"'\`(=:])(${machine.join("|")})`, "m");
    expect(names.test(`cd ${machine[0]}main`)).toBe(true);
    expect(files.filter((path) => names.test(read(path)))).toEqual([]);
  });

  it("FILES: no test is skipped, left to do, or run alone", () => {
    const tests = files.filter(
      (path) =>
        /\.(test|long|crashes|postgres|cluster)\.ts$/.test(path) && path !== "test/structure/repository.test.ts",
    );
    expect(tests.filter((path) => /\b(it|test|describe)\.(skip|todo|only)\b/.test(read(path)))).toEqual([]);
  });
});
