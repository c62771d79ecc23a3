/** A watched folder: each folder that turns up is given on once it is complete, again where something was added, and nothing ends it but the signal. */

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type TakenFolder, watchFolder } from "../../../ledger/ingest/watch.ts";
import { Refusal } from "../../../manifests/refusal.ts";

let dir: string;
let taken: string[];
let left: string[];
let now: number;
let stop: AbortController;
let ended: Promise<void>;
/** what `take` does with a folder of that name, once each */
let faults: Map<string, Error[]>;
/** what became of folders of that name, the first until it is the last; else all is final and new */
let outcomes: Map<string, Partial<TakenFolder>[]>;
/** what was told before, each time */
let before: [name: string, told: readonly string[] | undefined][];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-watch-"));
  [taken, left, now, stop, faults] = [[], [], 0, new AbortController(), new Map()];
  [outcomes, before] = [new Map(), []];
});
afterEach(async () => {
  stop.abort();
  await ended;
  rmSync(dir, { recursive: true, force: true });
});

/** Nothing of it rests on the machine's clock: time passes as the tests say. */
function watch(): void {
  ended = watchFolder({
    dir,
    settle: 5000,
    every: 1,
    again: 60_000,
    anew: 3_600_000,
    signal: stop.signal,
    now: () => now,
    left: (name, why) => void left.push(`${name}: ${why}`),
    take: async (folder, told) => {
      const name = folder.slice(dir.length + 1);
      taken.push(name);
      const fault = faults.get(name)?.shift();
      if (fault) throw fault;
      before.push([name, told && [...told]]);
      const planned = outcomes.get(name) ?? [];
      const outcome = planned.length > 1 ? planned.shift() : planned[0];
      return { changed: true, final: true, told: new Set(), ...outcome };
    },
  });
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Some rounds, known by a folder that is new and was taken. */
async function rounds(): Promise<void> {
  const name = `round-${taken.length}`;
  put(`${name}/x`, "x");
  await until(() => {
    now += 1000;
    return taken.includes(name);
  });
}

function put(path: string, text: string): void {
  mkdirSync(join(dir, path, ".."), { recursive: true });
  writeFileSync(join(dir, path), text);
}

const of = (name: string) => taken.filter((one) => one === name).length;

it("NOTHING-LOST: a folder is taken once it stands still, and again where something was added later", async () => {
  put("stick/coldseal/a", "1");
  watch();
  await rounds();
  expect(of("stick")).toBe(1);
  await rounds();
  expect(of("stick")).toBe(1);
  put("stick/coldseal/deep/b", "2");
  now += 61_000;
  await until(() => {
    now += 1000;
    return of("stick") === 2;
  });
  await rounds();
  expect(of("stick")).toBe(2);
});

it("NOTHING-LOST: what goes on changing is not taken before it stands still", async () => {
  put("copying/a", "1");
  watch();
  const growing = "copying/b";
  for (let size = 1; size < 20; size++) {
    put(growing, "x".repeat(size));
    const seen = left.length;
    put(`mark-${size}`, "");
    // A plain file is told in the round that saw it.
    await until(() => left.length > seen);
    now += 400;
  }
  expect(of("copying")).toBe(0);
  await rounds();
  expect(of("copying")).toBe(1);
});

it("NOTHING-LOST: what is hidden or named as unfinished waits for its name; empty places and files are no sticks", async () => {
  put(".stick/a", "1");
  put("next.part/a", "1");
  mkdirSync(join(dir, "mount-point"));
  put("archive.tar", "x");
  symlinkSync("/etc", join(dir, "link"));
  watch();
  await rounds();
  expect(taken.filter((name) => !name.startsWith("round-"))).toEqual([]);
  expect(left.map((one) => one.split(":")[0]).sort()).toEqual(["archive.tar", "link"]);
  renameSync(join(dir, "next.part"), join(dir, "next"));
  await rounds();
  expect(of("next")).toBe(1);
});

it("BUSY, STORE: what the ledger could not take then is tried again; what a stick has wrong is told, and not again", async () => {
  put("busy/a", "1");
  put("bad/a", "1");
  faults.set("busy", [new Refusal("BUSY", "another process writes"), new Refusal("STORE", "no room")]);
  faults.set("bad", [new Refusal("USAGE", "nothing for a ledger")]);
  watch();
  await until(() => {
    now += 1000;
    return of("busy") === 3;
  });
  await rounds();
  expect([of("busy"), of("bad")]).toEqual([3, 1]);
});

it("NOTHING-LOST: what was refused for want of something else is tried again once another folder brought something, and each hour", async () => {
  put("waits/a", "1");
  outcomes.set("waits", [{ changed: false, final: false, told: new Set(["refused"]) }]);
  put("idle/a", "1");
  outcomes.set("idle", [{ changed: false }]);
  watch();
  await until(() => {
    now += 1000;
    return of("waits") === 1 && of("idle") === 1;
  });
  // Nothing came in: not before an hour is over.
  const since = now;
  await until(() => {
    now += 10_000;
    return of("waits") === 2;
  });
  expect(now - since).toBeGreaterThan(3_500_000);
  await rounds();
  await until(() => of("waits") === 3);
  expect(before.filter(([name]) => name === "waits")).toEqual([
    ["waits", undefined],
    ["waits", ["refused"]],
    ["waits", ["refused"]],
  ]);
  outcomes.set("waits", [
    { changed: true, final: false, told: new Set() },
    { changed: true, final: true },
  ]);
  await rounds();
  // What it brought may be what the rest of it needs; then all is final.
  await until(() => of("waits") === 5);
  await rounds();
  await rounds();
  expect([of("waits"), of("idle")]).toEqual([5, 1]);
});

it("MEDIA-READ: a folder that is gone is told once, and watched again when it is back", async () => {
  put("stick/a", "1");
  watch();
  await rounds();
  renameSync(dir, `${dir}-away`);
  await until(() => left.length > 0);
  expect(left).toEqual([expect.stringMatching(/^: cannot be looked at \(ENOENT\)/)]);
  renameSync(`${dir}-away`, dir);
  await rounds();
  stop.abort();
  await ended;
});
