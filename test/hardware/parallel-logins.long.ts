import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSoftToken, type SoftToken } from "./soft-token.ts";

let soft: SoftToken;

beforeAll(async () => {
  soft = await makeSoftToken("shared");
});
afterAll(() => soft?.remove());

const main = fileURLToPath(new URL("./login-main.ts", import.meta.url));
const processes = 4;
const times = 25;

interface Running {
  readonly child: ChildProcess;
  readonly lines: Interface;
}

async function start(config: string, log: string): Promise<Running> {
  const child = spawn(process.execPath, [main, config, `${times}`, log], {
    stdio: ["pipe", "pipe", "inherit", "pipe"],
  });
  (child.stdio[3] as Writable).end(soft.pin);
  const lines = createInterface({ input: child.stdout as Readable });
  expect(await once(lines, "line")).toEqual(["ready"]);
  return { child, lines };
}

async function result({ child, lines }: Running): Promise<unknown> {
  const ended = once(lines, "line");
  child.stdin?.end("\n");
  return JSON.parse(String((await ended)[0]));
}

describe("several processes", () => {
  it("T23: logins of several processes at once all succeed, because only one at a time goes on", async () => {
    const config = join(soft.folder, "config.json");
    const log = join(soft.folder, "log");
    writeFileSync(config, JSON.stringify(soft.config));
    const running = await Promise.all(Array.from({ length: processes }, () => start(config, log)));
    const results = await Promise.all(running.map(result));
    expect(results).toEqual(Array.from({ length: processes }, () => ({ ok: times, faults: [] })));
    expect(readFileSync(log, "utf8")).toBe("()".repeat(processes * times));
  });
});
