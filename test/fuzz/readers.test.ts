import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesOfKind, projectRoot } from "../structure/source-files.ts";

/** Exported readers of manifests/ that no target reaches with its seeds, each with its reason. */
const notFuzzed: Readonly<Record<string, string>> = {};

const readerName =
  /^(?:read|verify|parse|check|validate|walk|open|tally|matches|list|expected)[A-Z]|(?:Reader|SignedData|Checker)$/;
const exported = /^export (?:async )?(?:function\*? |class )(\w+)/gm;

/** `manifests/… name` of everything exported that reads, checks or verifies. */
const readers = filesOfKind(/^manifests\/.*\.ts$/).flatMap((path) => {
  const names = [...readFileSync(join(projectRoot, path), "utf8").matchAll(exported)].map(([, name = ""]) => name);
  return names.filter((name) => readerName.test(name) || name === "tally").map((name) => `${path} ${name}`);
});

const writers = new Set([
  "manifests/cms/write.ts mergeSignedData",
  "manifests/records/documents-list.ts listLeaf",
  "manifests/records/documents-list.ts listLine",
]);

describe("the fuzz targets", () => {
  it("T5, T29: reach every exported reader of manifests/ with their seeds", () => {
    const output = execFileSync(process.execPath, [join(import.meta.dirname, "reached.ts")], { encoding: "utf8" });
    const reached = new Set((JSON.parse(output) as [string, string[]][]).flatMap(([, names]) => names));
    const wanted = readers.filter((reader) => !writers.has(reader));
    expect(wanted.length).toBeGreaterThan(70);
    expect(wanted.filter((reader) => !reached.has(reader) && !(reader in notFuzzed))).toEqual([]);
    expect(Object.keys(notFuzzed).filter((reader) => !readers.includes(reader) || reached.has(reader))).toEqual([]);
  });

  it("are all named in targets.ts", () => {
    const named = readFileSync(join(import.meta.dirname, "targets.ts"), "utf8");
    const files = readdirSync(join(import.meta.dirname, "targets"));
    expect(files.filter((file) => !named.includes(`"./targets/${file}"`))).toEqual([]);
  });
});
