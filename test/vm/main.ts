/**
 * `npm run test:vm`: the packaged product in a virtual machine without a network card. Sticks are plugged in and pulled out, the power goes, other devices come; what stands on
 * the sticks afterwards is read outside. Exit status 1 where something did not hold.
 */

import { writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { Command } from "commander";
import { makeImage } from "./image.ts";
import { missingForVm } from "./needs.ts";
import { packageHere } from "./package-here.ts";
import { savedBox } from "./saved-box.ts";
import { Stage } from "./scenario.ts";
import { scenarios } from "./scenarios/all.ts";

const program = new Command("test:vm")
  .option("--quick", "three scenarios, for CI")
  .option("--only <names...>", "these scenarios alone")
  .option("--package <file>", "this one in the place of one that is made here")
  .option("--times <n>", "all of them so many times", Number, 1)
  .option("--json <file>", "writes the figures as JSON")
  .parse();
const options = program.opts<{
  readonly quick?: true;
  readonly only?: readonly string[];
  readonly package?: string;
  readonly times: number;
  readonly json?: string;
}>();

const missing = missingForVm();
if (missing === undefined) await run();
else if (process.env.CI === undefined) process.stdout.write(`skipped: the virtual machine, because ${missing}\n`);
else {
  process.stdout.write(`FAILED: there is no virtual machine: ${missing}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1000);
  const say = (line: string) => process.stdout.write(`${String(seconds()).padStart(5)} s  ${line}\n`);
  const { only, quick, times } = options;
  const chosen = scenarios.filter((one) => (only ? only.includes(one.name) : !quick || one.quick));
  if (chosen.length < (only?.length ?? 1)) throw new Error(`scenarios: ${scenarios.map(({ name }) => name).join(" ")}`);
  const image = await makeImage(options.package ?? (await packageHere(say)), say);
  const guest = await savedBox(image, say);
  const rows = [];
  for (let time = 0; time < times; time++) {
    for (const scenario of chosen) {
      const stage = new Stage(image, guest);
      const before = performance.now();
      let broken: string | undefined;
      let points = 1;
      try {
        points = (await scenario.run(stage)) ?? 1;
      } catch (fault) {
        broken = inspect(fault);
      } finally {
        await stage.end();
      }
      const took = (performance.now() - before) / 1000;
      say(`${broken === undefined ? "ok    " : "BROKEN"} ${scenario.name}: ${scenario.holds} (${took.toFixed(0)} s)`);
      if (broken !== undefined) process.stdout.write(`${broken}\n`);
      rows.push({ name: scenario.name, points, seconds: Number(took.toFixed(1)), broken: broken ?? null });
    }
  }
  const violations = rows.filter(({ broken }) => broken !== null).length;
  const points = rows.reduce((sum, row) => sum + row.points, 0);
  if (options.json !== undefined) {
    const report = { runs: rows.length, points, violations, seconds: seconds(), rows };
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  say(`${rows.length} runs of ${chosen.length} scenarios, ${points} points, ${violations} violations`);
  if (violations > 0) process.exitCode = 1;
}
