/** A ledger that is backed up and restored: whole or not at all, held against what others saw of its log, and signing nothing before a person said where it stands. */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeBackup } from "../../../ledger/backup/make-backup.ts";
import { restoreBackup } from "../../../ledger/backup/restore.ts";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { append } from "../../../ledger/log/append.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { moveForward, moveFromNothing } from "../../../ledger/signed-heads/forward.ts";
import { schemaVersion } from "../../../ledger/store/schema.ts";
import { recordsFrom } from "../a-ledger.ts";
import { type BackedUp, backedUp, now } from "./backed-up.ts";

const refused = (code: string, got = "") => expect.objectContaining({ code, got: expect.stringContaining(got) });

let one: BackedUp;
beforeEach(async () => {
  one = await backedUp();
});
afterEach(() => one.end());

describe("a backup", () => {
  it("LEDGER-BACKUP: has every entry, settings and sealed keys, and nothing of what was signed last; restored it is the same log", async () => {
    await one.grow(300);
    await one.bringItOut();
    const record = await one.backup();
    expect(record).toMatchObject({ size: 300, signed: 300, schema: schemaVersion, made: now });
    const names = ["backup.json", "places.json", "signer", "store.sqlite"];
    expect(readdirSync(one.at("backup")).sort()).toEqual(names);
    expect(readdirSync(one.at("backup/signer")).sort()).toEqual(["acknowledgement.csr", "keys.json"]);
    expect(statSync(one.at("backup/signer/keys.json")).mode & 0o777).toBe(0o600);
    const restored = await one.restore();
    expect(restored).toMatchObject({ missing: null, keys: true, upgraded: null, check: { count: 0, size: 300 } });
    expect(restored.places.map(({ state }) => state)).toEqual(["there", "there"]);
    const ledger = await openLedger(one.target);
    const rows = (of: Pick<typeof ledger, "db">) =>
      of.db.reading((sql) => sql.all("SELECT idx, type, salt, content, record FROM entries ORDER BY idx"));
    expect(await rows(ledger)).toEqual(await rows(one.log.ledger));
    ledger.close();
  });

  it("LEDGER-BACKUP: without keys what is restored signs nothing", async () => {
    await one.grow(2);
    const { files } = await one.backup(one.at("backup"), false);
    expect(files.map(({ path }) => path)).toEqual(["store.sqlite", "places.json"]);
    expect(await one.restore()).toMatchObject({ keys: false, check: { count: 0 } });
    expect(existsSync(join(one.target, "signer"))).toBe(false);
  });

  it("NOTHING-LOST: is of one moment, while another process writes, which it does not hinder", async () => {
    await one.grow(5);
    await one.log.ledger.db.writing(async (sql) => {
      await append(sql, one.log.ledger.epoch, recordsFrom(5, 3));
      expect(await one.backup()).toMatchObject({ size: 5 });
    });
    expect(await one.log.ledger.db.reading(treeHead)).toMatchObject({ size: 8 });
    expect(await one.restore()).toMatchObject({ check: { count: 0, size: 5 } });
  });

  it("STORE: goes over nothing; nothing is backed up from where no ledger is", async () => {
    mkdirSync(one.at("backup"));
    writeFileSync(one.at("backup/mine"), "x");
    await expect(one.backup()).rejects.toEqual(expect.objectContaining({ code: "STORE" }));
    const none = makeBackup({ folder: one.at("none"), to: one.at("new"), now });
    await expect(none).rejects.toEqual(expect.objectContaining({ code: "STORE" }));
    await expect(restoreBackup({ from: one.at("new"), folder: one.at("x") })).rejects.toEqual(
      expect.objectContaining({ code: "LEDGER-BACKUP" }),
    );
  });
});

describe("restoring what never signed", () => {
  it("LEDGER-STOPPED: the signer stands still until a person says that nothing was ever signed", async () => {
    await one.grow(3);
    expect(await one.backup()).toMatchObject({ size: 3, signed: 0 });
    await one.restore();
    const heads = await one.restoredHeads();
    const { log } = one.log;
    expect(heads.head(log.name)).toMatchObject({ size: 0, stopped: expect.stringContaining(`backup of ${now}`) });
    const refusing = moveFromNothing({ agree: async () => false, heads, log });
    await expect(refusing).rejects.toEqual(expect.objectContaining({ code: "STOPPED" }));
    expect(heads.head(log.name).stopped).not.toBe(null);
    const asked: number[] = [];
    const agree = async (_: unknown, { size }: { readonly size: number }) => asked.push(size) > 0;
    await moveFromNothing({ agree, heads, log });
    expect(asked).toEqual([0]);
    expect(heads.head(log.name)).toMatchObject({ size: 0, stopped: null });
    heads.close();
  });
});

describe("restoring", () => {
  beforeEach(async () => {
    await one.grow(3);
    await one.bringItOut();
  });

  it("LEDGER-STOPPED: the signer stands still until a person says which checkpoint is the newest; then the log goes on, and nothing forks", async () => {
    await one.backup();
    const [place] = placesOf(one.log.ledger);
    const checkpoint = new Uint8Array(readFileSync(join(place?.name ?? "", "checkpoint")));
    await one.restore();
    const heads = await one.restoredHeads();
    const head = heads.head(one.log.log.name);
    expect(head).toMatchObject({ size: 3, stopped: expect.stringContaining(`backup of ${now}`) });
    const next = heads.advance(one.log.log.name, head, { size: 4, root: head.root }, new Uint8Array(1));
    await expect(next).rejects.toEqual(expect.objectContaining({ code: "LEDGER-STOPPED" }));
    const agree = async () => true;
    await moveForward({ agree, heads, log: one.log.log, own: one.log.log }, { checkpoint, path: [] });
    expect(heads.head(one.log.log.name)).toMatchObject({ size: 3, stopped: null });
    heads.close();
    const again = await one.restoredHeads();
    expect(again.head(one.log.log.name).stopped).toBe(null);
    again.close();
  });

  it("LEDGER-STOPPED: a signer that knows of something is not told that nothing was ever signed", async () => {
    await one.backup();
    await one.restore();
    const heads = await one.restoredHeads();
    const moved = moveFromNothing({ agree: async () => true, heads, log: one.log.log });
    await expect(moved).rejects.toEqual(refused("LOG-HEAD", "size 3"));
    expect(heads.head(one.log.log.name).stopped).not.toBe(null);
    heads.close();
  });

  it("LEDGER-BACKUP: one that is older than what is published is refused, and says which entries it lacks; for reading it is restored, without keys", async () => {
    await one.backup();
    await one.grow(2);
    await one.bringItOut();
    await expect(one.restore()).rejects.toEqual(refused("LEDGER-BACKUP", "entries 3 to 4"));
    expect(existsSync(one.target)).toBe(false);
    const restored = await one.restore({ forReading: true });
    expect(restored).toMatchObject({ missing: { from: 3, to: 4 }, keys: false, check: { count: 0, size: 3 } });
    expect(existsSync(join(one.target, "signer"))).toBe(false);
  });

  it("LEDGER-BACKUP: one that was made before its last entries were signed takes the checkpoint from a place, and lacks nothing", async () => {
    await one.grow(2);
    expect(await one.backup()).toMatchObject({ size: 5, signed: 3 });
    await one.bringItOut();
    expect(await one.restore()).toMatchObject({ missing: null, check: { count: 0, size: 5 } });
    const ledger = await openLedger(one.target);
    const sizes = await ledger.db.reading((sql) => sql.all("SELECT size FROM checkpoints ORDER BY size"));
    expect(sizes).toEqual([{ size: 3 }, { size: 5 }]);
    ledger.close();
    const heads = await one.restoredHeads();
    expect(heads.head(one.log.log.name)).toMatchObject({ size: 5, stopped: expect.any(String) });
    heads.close();
  });
});
