/** The frame of all drills, with drills that are honest, that fail in each way, and that lie: a drill passes only where something was at stake and held. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectRoot } from "../structure/source-files.ts";
import type { Drill, DrillContext, DrillResult } from "./drill.ts";
import { drillKey } from "./drill-key.ts";
import { drills, drillsNamed } from "./drills.ts";
import { writeRecord } from "./record.ts";
import { runDrill } from "./run-drill.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-drills-test-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const right: DrillResult = { rtoSeconds: 0.25, acknowledged: 3, lost: 0, details: { rows: 3 } };

function drill(change: Partial<Drill> & Pick<Drill, "run">): Drill {
  return { name: "made-up", about: "nothing breaks", needs: [], simulates: ["all of it"], ...change };
}

const outcomeOf = (run: (context: DrillContext) => Promise<DrillResult>, change: Partial<Drill> = {}) =>
  runDrill(drill({ run, ...change }), { say: () => undefined });

describe("a drill", () => {
  it("DRILL: passes where all checks held and nothing was lost, in a folder that is gone afterwards", async () => {
    let folder = "";
    const outcome = await outcomeOf(async (context) => {
      folder = context.folder;
      writeFileSync(join(folder, "a"), "a");
      context.check(true, "it holds");
      return right;
    });
    expect(outcome).toMatchObject({ ...right, passed: true, failure: null, checks: 1 });
    expect(existsSync(folder)).toBe(false);
  });

  it.each([
    ["something is lost", { lost: 1 }, {}],
    ["nothing was at stake", { acknowledged: 0 }, {}],
    ["less was at stake than the drill asks for", { acknowledged: 4999 }, { leastAcknowledged: 5000 }],
    ["it took too long until work went on", { rtoSeconds: 31 }, { mostRtoSeconds: 30 }],
    ["what was measured is no amount", { rtoSeconds: Number.NaN }, {}],
    ["less than nothing was lost", { lost: -1 }, {}],
    ["a part of an entry was lost", { lost: 0.5 }, {}],
  ] as const)("DRILL: fails where %s", async (_, change, settings) => {
    const outcome = await outcomeOf(async () => ({ ...right, ...change }), settings);
    expect(outcome).toMatchObject({ passed: false, failure: { code: "DRILL" } });
  });

  it("DRILL: fails where a check does not hold, where it throws, and where what it started does not end; all that is to be ended is", async () => {
    const ended: string[] = [];
    const wrong = await outcomeOf(async ({ check, onEnd }) => {
      onEnd(() => void ended.push("first"));
      onEnd(() => {
        ended.push("second");
        throw new Error("does not end");
      });
      check(false, "the log has all entries", "9 of 10");
      return right;
    });
    expect(wrong).toMatchObject({
      passed: false,
      failure: { code: "DRILL", expected: "the log has all entries", got: "9 of 10" },
    });
    expect(ended).toEqual(["second", "first"]);
    const broken = await outcomeOf(() => Promise.reject(new Error("no such file")));
    expect(broken).toMatchObject({
      passed: false,
      failure: { code: "DRILL", message: expect.stringContaining("no such file") },
    });
    const left = await outcomeOf(async ({ onEnd }) => {
      onEnd(() => Promise.reject(new Error("it still runs")));
      return right;
    });
    expect(left).toMatchObject({ passed: false, failure: { message: expect.stringContaining("it still runs") } });
  });

  it("DRILL: fails where it does not come to its end in its time, or is interrupted", async () => {
    const never = () => new Promise<DrillResult>(() => undefined);
    const keep = setInterval(() => undefined, 1000);
    const late = await outcomeOf(never, { mostSeconds: 0.05 });
    expect(late).toMatchObject({ passed: false, failure: { code: "DRILL", got: "it was still at work" } });
    const stop = new AbortController();
    const interrupted = runDrill(drill({ run: never }), { say: () => undefined, signal: stop.signal });
    stop.abort();
    expect(await interrupted).toMatchObject({ passed: false, failure: { got: "it was interrupted" } });
    clearInterval(keep);
  });

  it("USAGE: nothing is started without the programs that it needs, under a name that none has, or over a folder that is there", async () => {
    const needy = outcomeOf(async () => right, { needs: ["sh", "coldseal-no-such-program"] });
    await expect(needy).rejects.toMatchObject({ code: "USAGE", got: "without coldseal-no-such-program" });
    expect(() => drillsNamed(["gap", "no-such-drill"])).toThrow(expect.objectContaining({ code: "USAGE" }));
    const over = runDrill(drill({ run: async () => right }), { say: () => undefined, keep: dir });
    await expect(over).rejects.toMatchObject({ code: "USAGE" });
  });

  it("DRILL: each has a name of its own, a line about it, says what it simulates, and has a runbook", () => {
    const names = drills.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { about, name, simulates } of drills) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(about.length).toBeGreaterThan(20);
      expect(simulates.length).toBeGreaterThan(0);
      expect(existsSync(join(projectRoot, "docs/runbooks", `${name}.md`)), name).toBe(true);
    }
  });
});

describe("the record of drills", () => {
  const openssl = (file: string, certificate: string) =>
    execFileSync(
      "openssl",
      `cms -verify -binary -inform DER -in ${file}.p7m -CAfile ${certificate} -no-CApath -no-CAstore -purpose any -out -`.split(
        " ",
      ),
      { stdio: ["ignore", "pipe", "ignore"] },
    );

  it("DRILL: says what held, and OpenSSL verifies it under the key of this installation, and under no other", async () => {
    const file = join(dir, "record.json");
    const passed = await outcomeOf(async () => right);
    const key = await drillKey(join(dir, "key"));
    await writeRecord(file, [passed], key);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      ...{ name: "made-up", passed: true, failure: null, rtoSeconds: 0.25, acknowledged: 3, lost: 0 },
      ...{ details: { rows: 3 }, simulates: ["all of it"], type: "drill-record", version: 1 },
    });
    expect(openssl(file, `${file}.crt`)).toEqual(readFileSync(file));
    expect(readFileSync(`${file}.crt`, "utf8")).toBe((await drillKey(join(dir, "key"))).certificate);
    expect(statSync(join(dir, "key/drill.key")).mode & 0o777).toBe(0o600);
    await drillKey(join(dir, "other"));
    expect(() => openssl(file, join(dir, "other/drill.crt"))).toThrow();
    const signed = readFileSync(`${file}.p7m`);
    const at = signed.indexOf('"lost": 0');
    signed[at + 8] = 0x31;
    writeFileSync(`${file}.p7m`, signed);
    expect(() => openssl(file, `${file}.crt`)).toThrow();
  });

  it("DRILL: of one that failed it has what was measured by then, and no figures where nothing was", async () => {
    const file = join(dir, "failed.json");
    const failing = (measure: boolean) =>
      outcomeOf(async ({ check, measured }) => {
        if (measure) measured({ ...right, lost: 7 });
        check(false, "that it holds");
        return right;
      });
    const key = await drillKey(join(dir, "key"));
    await writeRecord(file, [await failing(true)], key);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ passed: false, acknowledged: 3, lost: 7 });
    await writeRecord(file, [await failing(true), await failing(false)], key);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      ...{ passed: false, rtoSeconds: null, acknowledged: null, lost: null },
      drills: [{ lost: 7 }, { lost: null }],
    });
  });

  it("DRILL: of several it has each, their sums, and passed only where all did", async () => {
    const file = join(dir, "all.json");
    const outcomes = [await outcomeOf(async () => right), await outcomeOf(async () => ({ ...right, lost: 2 }))];
    await writeRecord(file, outcomes, await drillKey(join(dir, "key")));
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      ...{ name: "all", passed: false, acknowledged: 6, lost: 2, rtoSeconds: 0.25 },
      drills: [{ passed: true }, { passed: false, failure: { code: "DRILL" } }],
    });
  });

  it("CONFIG: a key and a certificate that are not one another's sign nothing", async () => {
    writeFileSync(join(dir, "other/drill.crt"), readFileSync(join(dir, "key/drill.crt")));
    await expect(drillKey(join(dir, "other"))).rejects.toMatchObject({ code: "CONFIG" });
  });
});
