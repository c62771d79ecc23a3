/** `coldseal ledger init --postgres` and what follows it, as programs. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ledgerCommand } from "../programs.ts";
import { initWords, removeStore } from "../store/engine.ts";
import { tamper } from "../tampering.ts";

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

  it("LEDGER-BACKUP: is backed up and restored by the same commands; brought up after a backup, or one of the servers' own", async () => {
    const backup = await ledgerCommand(["backup", folder(), join(dir, "backup")]);
    expect(backup).toMatchObject({
      status: 0,
      out: expect.stringMatching(/dumped by pg_dump.*WITHOUT the database's/s),
    });
    const upgrade = (to: string) => ledgerCommand(["upgrade", folder(), "--backup", to]);
    expect(await upgrade(join(dir, "backup"))).toMatchObject({ status: 3, err: expect.stringMatching(/^STORE: /) });
    for (const to of [join(dir, "second-backup"), "none"]) {
      expect(await upgrade(to)).toMatchObject({ status: 0, out: expect.stringMatching(/already: nothing changed/) });
    }
    expect(existsSync(join(dir, "second-backup/store.dump"))).toBe(true);
    const restore = (name: string, ...words: readonly string[]) =>
      ledgerCommand(["restore", join(dir, "backup"), join(dir, name), ...words]);
    const there = await restore("beside");
    expect(there).toMatchObject({ status: 0, out: expect.stringMatching(/its store WAS THERE already/) });
    removeStore(folder());
    const loaded = await restore("anew", "--postgres", join(folder(), "postgres.json"));
    expect(loaded).toMatchObject({ status: 0, out: expect.stringMatching(/its store was loaded into the database/) });
    expect(await ledgerCommand(["verify", join(dir, "anew")])).toMatchObject({ status: 0 });
  });

  it("LOG-RECORD: where what was loaded does not hold, no folder is made, and it is said that it is in the database", async () => {
    tamper({ folder: folder() }, "UPDATE tree_head SET size = 5");
    expect(await ledgerCommand(["backup", folder(), join(dir, "tampered")])).toMatchObject({ status: 0 });
    removeStore(folder());
    const restored = await ledgerCommand(["restore", join(dir, "tampered"), join(dir, "none")]);
    expect(restored).toMatchObject({
      status: 4,
      err: expect.stringMatching(/no\s+folder\s+was\s+made;.*in\s+schema/s),
    });
    expect(existsSync(join(dir, "none"))).toBe(false);
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
