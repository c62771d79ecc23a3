import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectRoot } from "./source-files.ts";

const runner = join(projectRoot, "scripts/run.mjs");
const verdict = join(projectRoot, "scripts/ci-verdict.mjs");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal run "));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("run.mjs", () => {
  it("RUN: a script gets its arguments, standard input and working folder, on the pinned Node", async () => {
    const path = script(
      "process.stdin.on('data', (text) => console.log(JSON.stringify([process.version, process.cwd(), process.argv.slice(2), String(text)])))",
    );
    const child = start(runner, [path, "--out", "a b"]);
    child.stdin?.end("typed");
    const { code, output } = await ended(child);
    expect(code).toBe(0);
    const [version, cwd, args, typed] = JSON.parse(output) as [string, string, string[], string];
    expect(version).toMatch(/^v26\./);
    expect([cwd, args, typed]).toEqual([folder, ["--out", "a b"], "typed"]);
  });

  it("RUN: children of a script find the pinned Node first on their PATH", async () => {
    const path = script("process.stdout.write(require('child_process').execFileSync('node', ['--version']))");
    expect((await ended(start(runner, [path]))).output).toMatch(/^v26\./);
  });

  it.each([0, 1, 3, 4])("RUN: exit status %i is kept", async (status) => {
    expect((await ended(start(runner, [script(`process.exit(${status})`)]))).code).toBe(status);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "RUN: %s reaches the script, which may end in its own way",
    async (signal) => {
      const path = script(
        `process.on("${signal}", () => process.exit(42)); setInterval(() => {}, 1000); console.log("up")`,
      );
      const child = start(runner, [path]);
      const outcome = ended(child);
      await once(child.stdout as NonNullable<typeof child.stdout>, "data");
      child.kill(signal);
      expect((await outcome).code).toBe(42);
    },
  );

  it("RUN: a script that a signal ended ends the runner by the same signal", async () => {
    const outcome = await ended(
      start(runner, [script("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)")]),
    );
    expect([outcome.code, outcome.signal]).toEqual([null, "SIGKILL"]);
  });

  it.each([
    ["nothing to run", []],
    ["a script that is not there", ["demo/nowhere.ts"]],
  ])("RUN: %s is wrong use", async (_, args) => {
    expect((await ended(start(runner, args))).code).toBe(2);
  });
});

describe("ci-verdict.mjs", () => {
  const passed = { status: "passed", fullName: "a" };
  const failed = { status: "failed", fullName: "b" };
  const skipped = { status: "pending", fullName: "c" };
  const file = (status: string, ...assertionResults: readonly object[]) => ({
    name: "x.test.ts",
    status,
    assertionResults,
  });

  it.each([
    ["all passed", [file("passed", passed, passed)], ["0"], "2 passed, 0 failed", 0],
    ["skipped tests count as neither", [file("passed", passed, skipped)], ["0"], "1 passed, 0 failed", 0],
    ["a failed test", [file("failed", passed, failed)], ["1"], "1 passed, 1 failed", 1],
    ["a file that does not load", [file("failed"), file("passed", passed)], ["1"], "1 passed, 1 failed", 1],
    ["a run that failed besides its tests", [file("passed", passed)], ["1"], "1 passed, 1 failed", 1],
    ["a failed step", [file("passed", passed)], ["0", "check", "demo"], "1 passed, 2 failed", 1],
    ["no test at all", [], ["0"], "0 passed, 1 failed", 1],
  ])("VERDICT: %s", async (_, testResults, args, last, status) => {
    const report = join(folder, "report.json");
    writeFileSync(report, JSON.stringify({ testResults }));
    const { code, output } = await ended(start(verdict, [report, ...args]));
    expect([output.trimEnd().split("\n").at(-1), code]).toEqual([last, status]);
  });

  it("VERDICT: a missing report is a failure", async () => {
    const { code, output } = await ended(start(verdict, [join(folder, "nowhere.json"), "0"]));
    expect([output.trimEnd().split("\n").at(-1), code]).toEqual(["0 passed, 1 failed", 1]);
  });
});

function script(source: string): string {
  const path = join(folder, "script one.cjs");
  writeFileSync(path, source);
  return path;
}

function start(program: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...args], { cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, output };
}
