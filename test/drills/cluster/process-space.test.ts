/** Needs PID namespaces, as the drill does: root, or user namespaces. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { until } from "../../faults/waiting.ts";
import { ProcessSpace } from "./process-space.ts";

let dir: string;
let space: ProcessSpace | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-space-"));
});
afterEach(async () => {
  await space?.kill();
  rmSync(dir, { recursive: true });
});

/** Its own word in the environment finds every process of a space, whatever namespace it is in. */
function alive(word: string): readonly { readonly pid: string; readonly state: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes(word)) return [];
        return [{ pid, state: /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "" }];
      } catch {
        return [];
      }
    });
}

async function start(script: string): Promise<string> {
  const word = `SPACE=${dir}`;
  space = await ProcessSpace.start({ script, env: { PATH: "/usr/bin:/bin", SPACE: dir }, log: join(dir, "log") });
  return word;
}

/** Two that sleep, one of them by a parent that is gone; with unshare and the shell four. */
const sleepers = "sleep 600 & (sleep 600 &) ; wait";

it("kills all of a node at once, also what lost its parent, and leaves nothing", async () => {
  const word = await start(sleepers);
  await until("all are there", async () => alive(word).length === 4);
  await space?.kill();
  expect(alive(word)).toEqual([]);
  expect(space?.alive).toBe(false);
});

it("stops all of a node, or some, and lets them go on", async () => {
  const word = await start(sleepers);
  await until("all are there", async () => alive(word).length === 4);
  const stopped = () => alive(word).filter(({ state }) => state === "T").length;
  expect(await space?.freeze(/^sleep/)).toBe(2);
  expect(stopped()).toBe(2);
  expect(await space?.freeze()).toBe(3);
  // unshare is outside of it
  expect(stopped()).toBe(3);
  space?.thaw();
  await until("none stands", async () => stopped() === 0);
});

it("is over when all that it started has ended", async () => {
  await start("true & wait");
  await until("it is over", async () => space?.alive === false);
});
