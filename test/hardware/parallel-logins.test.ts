import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { text } from "node:stream/consumers";
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
const times = 10;

async function logins(config: string): Promise<unknown> {
  const child = spawn(process.execPath, [main, config, `${times}`], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
  (child.stdio[3] as Writable).end(soft.pin);
  const ended = once(child, "close");
  const output = await text(child.stdout as NonNullable<typeof child.stdout>);
  await ended;
  return JSON.parse(output);
}

describe("several processes", () => {
  it("T23: logins of several processes at once all succeed", async () => {
    const config = join(soft.folder, "config.json");
    writeFileSync(config, JSON.stringify(soft.config));
    const results = await Promise.all(Array.from({ length: processes }, () => logins(config)));
    expect(results).toEqual(Array.from({ length: processes }, () => ({ ok: times, codes: [] })));
  });
});
