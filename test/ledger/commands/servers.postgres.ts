/** `coldseal ledger init --postgres` and what follows it, as programs. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ledgerCommand } from "../programs.ts";
import { initWords } from "../store/engine.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-servers-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const origin = "ledger.example.org/boxes";
const folder = () => join(dir, "ledger");
const init = (name: string, ...words: readonly string[]) =>
  ledgerCommand(["init", join(dir, name), "--origin", origin, ...words]);

describe("a ledger on PostgreSQL", () => {
  it("is made, says where it is, and is verified as any other", async () => {
    const words = initWords(dir);
    const made = await init("ledger", ...words);
    expect(made).toMatchObject({ status: 0, err: "" });
    expect(made.out).toMatch(/its store is schema t_[0-9a-f]{16} of database ledger on /);
    const { replicated } = JSON.parse(readFileSync(join(folder(), "postgres.json"), "utf8"));
    expect(/NOT REPLICATED/.test(made.out)).toBe(!replicated);
    expect(await ledgerCommand(["verify", folder()])).toMatchObject({ status: 0 });
    const again = await init("another", ...words);
    expect(again).toMatchObject({ status: 3, err: expect.stringMatching(/^STORE: a store is already there/) });
    const other = await init("second", ...initWords(dir), "--json");
    expect(JSON.parse(other.out)).toMatchObject({
      size: 0,
      store: replicated ? "postgresql, replicated" : "postgresql",
    });
  });

  it("STORE: is backed up by the servers' own means; brought up when that is said to be done", async () => {
    const backup = await ledgerCommand(["backup", folder(), join(dir, "backup")]);
    expect(backup).toMatchObject({ status: 3, err: expect.stringMatching(/^STORE: .*on PostgreSQL/) });
    const upgrade = (to: string) => ledgerCommand(["upgrade", folder(), "--backup", to]);
    expect(await upgrade(join(dir, "backup"))).toMatchObject({
      status: 2,
      err: expect.stringMatching(/--backup none/),
    });
    expect(await upgrade("none")).toMatchObject({ status: 0 });
  });

  it("CONFIG, STORE: settings that are none, servers that are not there: nothing is made", async () => {
    const file = join(dir, "bad.json");
    writeFileSync(file, "{}");
    expect(await init("bad", "--postgres", file)).toMatchObject({ status: 2, err: expect.stringMatching(/^CONFIG/) });
    const [, good = ""] = initWords(dir);
    const settings = JSON.parse(readFileSync(good, "utf8"));
    writeFileSync(file, JSON.stringify({ ...settings, servers: [{ host: join(dir, "none"), port: 1 }] }));
    const none = await init("none", "--postgres", file);
    expect(none).toMatchObject({ status: 3, err: expect.stringMatching(/^STORE: no server/) });
    for (const name of ["bad", "none", "another"]) expect(existsSync(join(dir, name))).toBe(false);
  });
});
