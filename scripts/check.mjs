// What must hold before a commit: format and lint (biome), types (tsc). Run by `npm run check`, through run.mjs.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { watch } from "./setup/child.mjs";
import { packages, root } from "./setup/places.mjs";

const biome = join(packages, `@biomejs/cli-linux-${process.arch}/biome`);
const tsc = join(packages, "typescript/bin/tsc");

const checks = [
  { name: "format and lint", command: biome, args: ["check", "--error-on-warnings", "--diagnostic-level=warn", "."] },
  { name: "types", command: process.execPath, args: [tsc, "--noEmit", "-p", "."] },
  { name: "types of the page", command: process.execPath, args: [tsc, "--noEmit", "-p", "desk/page/browser"] },
  { name: "types of the page's tests", command: process.execPath, args: [tsc, "--noEmit", "-p", "test/browser"] },
];

for (const { name, command, args } of checks) {
  if (!existsSync(command)) process.stderr.write(`NOT CHECKED: ${name}, there is no ${command}\n`);
  const { code } = await watch(command, args, { cwd: root });
  process.stdout.write(`${name}: ${code === 0 ? "passed" : "FAILED"}\n`);
  if (code !== 0) process.exitCode = 1;
}
