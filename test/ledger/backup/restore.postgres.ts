/** A ledger on PostgreSQL that is backed up by a dump of one moment and restored: into a database without it, and over a schema that was restored there before. */

import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLedger, serversOf } from "../../../ledger/ledger-folder.ts";
import { append } from "../../../ledger/log/append.ts";
import { takeOver, treeHead } from "../../../ledger/log/tree-head.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { moveForward } from "../../../ledger/signed-heads/forward.ts";
import { hasSchema } from "../../../ledger/store/postgres.ts";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { recordsFrom } from "../a-ledger.ts";
import { startLedger } from "../programs.ts";
import { administer, removeStore } from "../store/engine.ts";
import { type BackedUp, backedUp, now } from "./backed-up.ts";

const refused = (code: string, got = "") => expect.objectContaining({ code, got: expect.stringContaining(got) });

let one: BackedUp;
let settings: PostgresSettings;
beforeEach(async () => {
  one = await backedUp();
  settings = serversOf(one.log.ledger.folder) as PostgresSettings;
});
afterEach(async () => {
  await one.end();
  administer(`DROP SCHEMA IF EXISTS ${settings.schema} CASCADE`);
});

/** The servers, with everything that was the ledger's there. */
function lose(): void {
  removeStore(one.log.ledger.folder);
}

const rowsOf = (of: Pick<typeof one.log.ledger, "db">) =>
  of.db.reading((sql) => sql.all("SELECT idx, type, salt, content, record FROM entries ORDER BY idx"));

/** Where places that are named relative to the ledger are found. */
const beside = (name: string) => join(one.log.ledger.dir, name);

async function restoredRows() {
  const ledger = await openLedger(one.target);
  const rows = await rowsOf(ledger);
  ledger.close();
  return rows;
}

describe("a backup", () => {
  it("LEDGER-BACKUP: has a dump, where its store was, settings and sealed keys; restored it is the same log, and its signer stands still", async () => {
    await one.grow(300);
    await one.bringItOut();
    expect(await one.backup()).toMatchObject({ size: 300, signed: 300, made: now });
    const names = ["backup.json", "places.json", "postgres.json", "signer", "store.dump"];
    expect(readdirSync(one.at("backup")).sort()).toEqual(names);
    expect(statSync(one.at("backup/store.dump")).mode & 0o777).toBe(0o600);
    expect(readdirSync(one.log.ledger.folder).filter((name) => name.startsWith(".tmp"))).toEqual([]);
    const before = await rowsOf(one.log.ledger);
    const [place] = placesOf(one.log.ledger);
    const checkpoint = new Uint8Array(readFileSync(join(place?.name ?? "", "checkpoint")));
    lose();
    const restored = await one.restore();
    expect(restored).toMatchObject({ missing: null, keys: true, store: "loaded", check: { count: 0, size: 300 } });
    expect(await restoredRows()).toEqual(before);
    expect(readdirSync(one.target).sort()).toEqual(["places.json", "postgres-schema", "postgres.json", "signer"]);
    const heads = await one.restoredHeads();
    expect(heads.head(one.log.log.name)).toMatchObject({ size: 300, stopped: expect.stringContaining(`of ${now}`) });
    const agree = async () => true;
    await moveForward({ agree, heads, log: one.log.log, own: one.log.log }, { checkpoint, path: [] });
    expect(heads.head(one.log.log.name)).toMatchObject({ size: 300, stopped: null });
    heads.close();
  });

  it("NOTHING-LOST: is of one moment, while another process writes, which it does not hinder", async () => {
    await one.grow(5);
    await one.log.ledger.db.writing(async (sql) => {
      await append(sql, one.log.ledger.epoch, recordsFrom(5, 3));
      expect(await one.backup()).toMatchObject({ size: 5 });
    });
    expect(await one.log.ledger.db.reading(treeHead)).toMatchObject({ size: 8 });
    lose();
    expect(await one.restore()).toMatchObject({ check: { count: 0, size: 5 } });
  });
});

describe("restoring", () => {
  beforeEach(async () => {
    await one.grow(3);
    await one.bringItOut();
    await one.backup();
  });

  it("LEDGER-BACKUP: one that is older than what is published is refused before anything of it is in the database; for reading it is there, without keys", async () => {
    await one.grow(2);
    await one.bringItOut();
    lose();
    await expect(one.restore()).rejects.toEqual(refused("LEDGER-BACKUP", "entries 3 to 4"));
    expect([existsSync(one.target), await hasSchema(settings)]).toEqual([false, false]);
    const restored = await one.restore({ forReading: true });
    expect(restored).toMatchObject({ missing: { from: 3, to: 4 }, keys: false, check: { count: 0, size: 3 } });
    expect(existsSync(join(one.target, "signer"))).toBe(false);
    rmSync(one.target, { recursive: true });
    await expect(one.restore()).rejects.toEqual(refused("LEDGER-BACKUP", "entries 3 to 4"));
  });

  it("LEDGER-BACKUP: a schema that was restored before is taken where it holds all that the backup does, also to a later moment", async () => {
    const restored: string[] = [];
    const onLoaded = (where: string) => void restored.push(where);
    expect(await one.restore({ onLoaded })).toMatchObject({ store: "there", check: { count: 0, size: 3 } });
    rmSync(one.target, { recursive: true });
    await one.grow(4);
    await one.bringItOut();
    expect(await one.restore({ onLoaded })).toMatchObject({
      store: "there",
      missing: null,
      check: { count: 0, size: 7 },
    });
    const heads = await one.restoredHeads();
    expect(heads.head(one.log.log.name)).toMatchObject({ size: 7, stopped: expect.any(String) });
    heads.close();
    expect(restored).toEqual([]);
  });

  it("LEDGER-BACKUP: a schema that holds less than the backup, or another history, is not taken; nor LOG-RECORD one of another history than what is published", async () => {
    await one.grow(2);
    await one.backup(one.at("later"));
    lose();
    await one.restore();
    await one.restore({ folder: beside("again") });
    const later = () => one.restore({ from: one.at("later"), folder: beside("from-later") });
    await expect(later()).rejects.toEqual(refused("LEDGER-BACKUP", "3 entries"));
    const other = await openLedger(one.target);
    const epoch = await takeOver(other.db);
    await other.db.writing((sql) => append(sql, epoch, recordsFrom(70, 2)));
    other.close();
    await expect(later()).rejects.toEqual(refused("LEDGER-BACKUP", "5 entries"));
    lose();
    await later();
    one.log.ledger = await one.log.ledger.reopened();
    await one.bringItOut();
    lose();
    await one.restore({ folder: beside("for-reading"), forReading: true });
    const forked = await openLedger(beside("for-reading"));
    const next = await takeOver(forked.db);
    await forked.db.writing((sql) => append(sql, next, recordsFrom(70, 2)));
    forked.close();
    await expect(one.restore({ folder: beside("last") })).rejects.toEqual(refused("LOG-RECORD", "another root of 5"));
    expect(existsSync(beside("last"))).toBe(false);
  });

  it("LEDGER-BACKUP: a dump that was changed, cut, left out, and settings of another schema load nothing", async () => {
    lose();
    const changed = async (change: (folder: string) => void) => {
      rmSync(one.at("changed"), { recursive: true, force: true });
      cpSync(one.at("backup"), one.at("changed"), { recursive: true });
      change(one.at("changed"));
      const fault = await one.restore({ from: one.at("changed") }).then(
        () => "restored",
        (fault: { code: string }) => fault.code,
      );
      expect([existsSync(one.target), await hasSchema(settings)]).toEqual([false, false]);
      return fault;
    };
    const bytes = readFileSync(one.at("backup/store.dump"));
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 100] = (flipped[bytes.length - 100] as number) ^ 1;
    const write = (content: Uint8Array) => (folder: string) => writeFileSync(join(folder, "store.dump"), content);
    expect(await changed(write(flipped))).toBe("LEDGER-BACKUP");
    expect(await changed(write(bytes.subarray(0, -1)))).toBe("LEDGER-BACKUP");
    expect(await changed((folder) => rmSync(join(folder, "store.dump")))).toBe("LEDGER-BACKUP");
    const postgres = { ...settings, schema: "another" };
    await expect(one.restore({ postgres })).rejects.toEqual(refused("CONFIG", "another"));
    expect(await one.restore({ postgres: settings })).toMatchObject({ store: "loaded" });
  });

  it("NOTHING-LOST: killed while the dump is loaded, the schema is there whole or not at all, and the same again goes on", async () => {
    lose();
    const child = startLedger(["restore", one.at("backup"), one.target]);
    const gone = new Promise((resolve) => child.once("close", resolve));
    while (child.exitCode === null && child.signalCode === null) {
      if (existsSync(`${one.target}.new/store.dump`)) child.kill("SIGKILL");
      await Promise.race([gone, setTimeout(1)]);
    }
    expect([child.signalCode, existsSync(one.target)]).toEqual(["SIGKILL", false]);
    await expect(one.restore()).rejects.toMatchObject({ code: "STORE", about: `${one.target}.new` });
    rmSync(`${one.target}.new`, { recursive: true });
    // What it started ends with it, by itself.
    const restored = await one.restore().catch(async (fault) => {
      expect(fault).toMatchObject({ code: "STORE" });
      return one.restore();
    });
    expect(restored).toMatchObject({ keys: true, check: { count: 0, size: 3 } });
  });
});
