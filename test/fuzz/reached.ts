/**
 * Prints as JSON, for each target, the functions of manifests/ that its seeds reach: `[[target, ["manifests/… name", …]], …]`.
 * V8 counts; a class counts as reached when any of its methods is.
 */

import { readFileSync } from "node:fs";
import { Session } from "node:inspector";
import { fileURLToPath } from "node:url";
import { judge } from "./oracle.ts";
import { targets } from "./targets.ts";

const rootUrl = new URL("../../", import.meta.url).href;
const root = fileURLToPath(rootUrl);

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });

const all: [string, readonly string[]][] = [];
for (const target of targets) {
  const seeds = await target.seeds();
  takeCoverage();
  for (const seed of seeds) await judge(target, seed);
  all.push([target.name, takeCoverage()]);
}
process.stdout.write(JSON.stringify(all), () => process.exit());

/** What was reached since it was last asked. */
function takeCoverage(): readonly string[] {
  let scripts: readonly ScriptCoverage[] = [];
  session.post("Profiler.takePreciseCoverage", (_, taken) => {
    scripts = taken?.result ?? [];
  });
  return scripts.filter(({ url }) => url.startsWith(`${rootUrl}manifests/`)).flatMap(reachedIn);
}

function reachedIn({ url, functions }: ScriptCoverage): readonly string[] {
  const path = fileURLToPath(url).slice(root.length);
  const reached = functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0);
  const names = reached.map(({ functionName }) => functionName).filter((name) => name !== "");
  const source = readFileSync(fileURLToPath(url), "utf8");
  const classes = [...source.matchAll(/^export class (\w+)[\s\S]*?^}/gm)].filter((found) =>
    reached.some(
      ({ ranges: [range] }) =>
        range && range.startOffset > found.index && range.endOffset < found.index + found[0].length,
    ),
  );
  return [...names, ...classes.map(([, name]) => name)].map((name) => `${path} ${name}`);
}
