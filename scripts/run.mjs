// `node scripts/run.mjs WHAT ARGS…`: does the set-up when it is due, then runs WHAT on the pinned Node 26.
// WHAT is vitest, tsc, biome, or a script of this project such as demo/main.ts. Exit status and signals are its own.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { become, endBySignal, watch } from "./setup/child.mjs";
import { packages, pinnedNode, root } from "./setup/places.mjs";
import { readRecord } from "./setup/record.mjs";
import { readyEnvironment } from "./setup/search-path.mjs";

const tools = {
  vitest: [pinnedNode, join(packages, "vitest/vitest.mjs")],
  tsc: [pinnedNode, join(packages, "typescript/bin/tsc")],
  biome: [join(packages, `@biomejs/cli-linux-${process.arch}/biome`)],
};

const [what, ...args] = process.argv.slice(2);
if (what === undefined) stop("usage: node scripts/run.mjs vitest|tsc|biome|SCRIPT ARGS…", 2);
if (Number.parseInt(process.versions.node, 10) < 20)
  stop(`Node 20 or newer is needed, this is ${process.versions.node}`, 1);

const [command, ...first] = tools[what] ?? [pinnedNode, scriptOf(what)];
if (readRecord() === undefined) await setUp();
await become(command, [...first, ...args], {
  env: readyEnvironment(),
  ...(what in tools ? { cwd: root } : {}),
});

function scriptOf(path) {
  const script = resolve(root, path);
  return existsSync(script) ? script : stop(`there is no ${path} in ${root}`, 2);
}

async function setUp() {
  const ended = await watch(process.execPath, [join(import.meta.dirname, "setup.mjs")], {});
  if (ended.signal) endBySignal(ended.signal);
  if (readRecord() === undefined) stop(undefined, ended.code || 1);
}

function stop(line, status) {
  if (line !== undefined) process.stderr.write(`${line}\n`);
  process.exit(status);
}
