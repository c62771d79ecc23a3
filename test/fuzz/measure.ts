/** `measure.ts TARGET FILE`: what one input costs in a fresh process, warmed up with the seeds. Run with --expose-gc. */

import { readFileSync } from "node:fs";
import { judge } from "./oracle.ts";
import { targetsNamed } from "./targets.ts";

const [name = "", file = ""] = process.argv.slice(2);
const [target] = targetsNamed([name]);
if (!target) throw new Error(`no target ${name}`);
for (const seed of await target.seeds()) for (let round = 0; round < 3; round++) await judge(target, seed);
(globalThis as { gc?: () => void }).gc?.();
const before = process.resourceUsage().maxRSS;
const { words, milliseconds } = await judge(target, new Uint8Array(readFileSync(file)));
const grown = (process.resourceUsage().maxRSS - before) * 1024;
process.stdout.write(`${JSON.stringify({ words, milliseconds, grown })}\n`);
