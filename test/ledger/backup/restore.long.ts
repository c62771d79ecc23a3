/** What is not backed up, and what restores nothing: damaged, changed, of another history, or without a place; and what restores all the same. */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeBackup } from "../../../ledger/backup/make-backup.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { bringOut } from "../../../ledger/checkpoints/bring-out.ts";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { schemaVersion } from "../../../ledger/store/schema.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import type { Refusal } from "../../../manifests/refusal.ts";
import { aCopyOf, recordOf } from "../a-ledger.ts";
import { oldStore } from "../old-store.ts";
import { keysIn } from "../signer/a-signer.ts";
import { tamper } from "../tampering.ts";
import { type BackedUp, backedUp, now } from "./backed-up.ts";

const refused = (code: string, got = "") => expect.objectContaining({ code, got: expect.stringContaining(got) });

let one: BackedUp;
beforeEach(async () => {
  one = await backedUp();
});
afterEach(() => one.end());

describe("a backup", () => {
  it("STORE: a damaged store is not backed up", async () => {
    await one.grow(400);
    one.log.ledger.close();
    const store = join(one.log.ledger.folder, "store.sqlite");
    const bytes = readFileSync(store);
    bytes.fill(0xee, 16 * 1024 * 3, 16 * 1024 * 3 + 4000);
    writeFileSync(store, bytes);
    await expect(one.backup()).rejects.toEqual(expect.objectContaining({ code: "STORE" }));
    expect(existsSync(one.at("backup/backup.json"))).toBe(false);
  });

  it("STORE-VERSION: of an older store it is made too, and brought up when it is restored", async () => {
    mkdirSync(one.at("old"));
    oldStore(one.at("old/store.sqlite"));
    cpSync(join(one.log.ledger.folder, "places.json"), one.at("old/places.json"));
    writeFileSync(one.at("old/places.json"), readFileSync(one.at("old/places.json"), "utf8").replaceAll("../", "own-"));
    expect(await makeBackup({ folder: one.at("old"), to: one.at("backup"), now })).toMatchObject({
      schema: 1,
      size: 2,
    });
    expect(await one.restore()).toMatchObject({ upgraded: 1, check: { count: 0, size: 2 } });
  });
});

describe("restoring", () => {
  beforeEach(async () => {
    await one.grow(3);
    await one.bringItOut();
  });

  it("LEDGER-BACKUP: so it is where only a witness is left that saw more; one that cannot be asked is told", async () => {
    const witness = await one.log.witness("witness.example/1");
    await one.bringItOut([witness]);
    const settings = { cosignatures: 1, type: "ledger-witnesses", version: 1 };
    const asked = { by: "others", url: witness.url, vkey: witness.vkey };
    writeFileSync(join(one.log.ledger.folder, "witnesses.json"), JSON.stringify({ ...settings, witnesses: [asked] }));
    await one.backup();
    expect((await one.restore()).shown.at(-1)).toMatchObject({ where: witness.url, size: 3, why: null });
    rmSync(one.target, { recursive: true });
    await one.grow(4);
    await one.bringItOut([witness]);
    const publish = [one.at("p1"), one.at("p2")];
    await expect(one.restore({ publish })).rejects.toEqual(refused("LEDGER-BACKUP", "entries 3 to 6"));
    witness.down();
    const restored = await one.restore({ publish });
    expect(restored.shown.at(-1)).toMatchObject({ where: witness.url, size: null, other: false });
    expect(restored.shown.at(-1)?.why).toMatch(/WITNESS.*does not answer/);
  });

  it("LEDGER-BACKUP: so it is where a place that shows more has lost a tile, and no proof leads there", async () => {
    await one.backup();
    await one.grow(4);
    await one.bringItOut();
    for (const { name } of placesOf(one.log.ledger)) rmSync(join(name, "tile"), { recursive: true });
    await expect(one.restore()).rejects.toEqual(refused("LEDGER-BACKUP", "entries 3 to 6"));
    const { shown } = await one.restore({ forReading: true });
    expect(shown).toEqual([
      expect.objectContaining({ size: 7, other: false, why: expect.stringContaining("a tile is missing") }),
      expect.objectContaining({ size: 7, other: false, why: expect.stringContaining("a tile is missing") }),
    ]);
  });

  it("LOG-RECORD: one of another history than what is published is refused", async () => {
    const other = await aCopyOf(one.log.ledger);
    await other.add([recordOf(77), recordOf(78)]);
    await makeBackup({ folder: other.folder, to: one.at("backup"), now });
    other.end();
    await one.grow(2);
    await one.bringItOut();
    await expect(one.restore()).rejects.toEqual(refused("LOG-RECORD", "another root of 5 entries"));
    rmSync(one.at("backup"), { recursive: true });
    const shorter = await aCopyOf(one.log.ledger);
    await shorter.add([recordOf(77)]);
    await makeBackup({ folder: shorter.folder, to: one.at("backup"), now });
    shorter.end();
    await one.grow(4);
    await one.bringItOut();
    await expect(one.restore()).rejects.toEqual(refused("LOG-RECORD", "do not hold the backup's 6"));
    expect(existsSync(one.target)).toBe(false);
  });

  it("STORE: a place that is lost is made anew where it is named, filled by the next publishing, and verifies; else it is missing", async () => {
    await one.backup();
    const [lost, left] = placesOf(one.log.ledger).map(({ name }) => name) as [string, string];
    rmSync(lost, { recursive: true });
    expect((await one.restore()).places.map(({ state }) => state)).toEqual(["MISSING", "there"]);
    rmSync(one.target, { recursive: true });
    const publish = [lost, left];
    expect((await one.restore({ publish })).places).toEqual([
      { name: lost, state: "empty" },
      { name: left, state: "there" },
    ]);
    const ledger = await openLedger(one.target);
    const places = placesOf(ledger);
    const signer = () => Promise.reject(new Error("nothing is to be signed"));
    const out = await bringOut({
      ledger,
      log: one.log.log,
      settings: { cosignatures: 0, witnesses: [] },
      places,
      signer,
    });
    expect(out).toMatchObject({ waiting: null, published: { size: 3 } });
    expect(await checkLedger(ledger, places)).toMatchObject({ count: 0 });
    ledger.close();
    const within = one.restore({ folder: one.at("in"), publish: [one.at("in/published")] });
    await expect(within).rejects.toEqual(expect.objectContaining({ code: "USAGE" }));
  });

  it("STORE: a ledger is never restored over anything", async () => {
    await one.backup();
    mkdirSync(one.target);
    expect(await one.restore()).toMatchObject({ keys: true });
    await expect(one.restore()).rejects.toEqual(expect.objectContaining({ code: "STORE" }));
    const folder = one.at("elsewhere");
    mkdirSync(`${folder}.new`);
    writeFileSync(`${folder}.new/mine`, "x");
    await expect(one.restore({ folder })).rejects.toMatchObject({ code: "STORE", about: `${folder}.new` });
    expect(existsSync(`${folder}.new/mine`)).toBe(true);
  });

  it("BUSY: of two that restore into one folder at once one does, and the other touches nothing of it", async () => {
    await one.backup();
    const both = await Promise.allSettled([one.restore(), one.restore()]);
    expect(both.map((end) => (end.status === "fulfilled" ? "restored" : (end.reason as Refusal).code)).sort()).toEqual([
      "BUSY",
      "restored",
    ]);
    const ledger = await openLedger(one.target);
    expect(await checkLedger(ledger, [])).toMatchObject({ count: 0 });
    ledger.close();
  });

  it("LEDGER-BACKUP: a file that was changed, cut, left out or swapped for a link, and a record that names others, restore nothing", async () => {
    await one.backup(one.at("whole"));
    const changed = async (change: (folder: string) => void) => {
      rmSync(one.at("backup"), { recursive: true, force: true });
      cpSync(one.at("whole"), one.at("backup"), { recursive: true });
      change(one.at("backup"));
      const fault = await one.restore().then(
        () => "restored",
        (fault: { code: string }) => fault.code,
      );
      expect(existsSync(one.target)).toBe(false);
      return fault;
    };
    const bytes = readFileSync(one.at("whole/store.sqlite"));
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 100] = (flipped[bytes.length - 100] as number) ^ 1;
    expect(await changed((folder) => writeFileSync(join(folder, "store.sqlite"), flipped))).toBe("LEDGER-BACKUP");
    expect(await changed((folder) => writeFileSync(join(folder, "store.sqlite"), bytes.subarray(0, -1)))).toBe(
      "LEDGER-BACKUP",
    );
    expect(await changed((folder) => rmSync(join(folder, "signer/keys.json")))).toBe("LEDGER-BACKUP");
    expect(await changed((folder) => rmSync(join(folder, "backup.json")))).toBe("LEDGER-BACKUP");
    const linked = (folder: string) => {
      rmSync(join(folder, "store.sqlite"));
      symlinkSync(one.at("whole/store.sqlite"), join(folder, "store.sqlite"));
    };
    expect(await changed(linked)).toBe("STORE");
    const record = JSON.parse(readFileSync(one.at("whole/backup.json"), "utf8"));
    const write = (change: object) => (folder: string) =>
      writeFileSync(join(folder, "backup.json"), canonicalBytes({ ...record, ...change }));
    for (const change of [
      { size: 4 },
      { root: "00".repeat(32) },
      { origin: "another.example" },
      { schema: schemaVersion + 1 },
      { files: [{ ...record.files[0], path: "../../store.sqlite" }] },
      { files: [...record.files, record.files[0]] },
      { files: [...record.files, { ...record.files[0], path: "store.dump" }] },
      { files: [{ ...record.files[0], path: "store.dump" }] },
      { files: [...record.files, { ...record.files[0], path: "postgres.json" }] },
      { version: 2 },
    ]) {
      expect([change, await changed(write(change))]).toEqual([change, "LEDGER-BACKUP"]);
    }
    expect(await one.restore({ from: one.at("whole") })).toMatchObject({ keys: true, check: { count: 0 } });
  });

  it("USAGE: a backup with a file for its store is not restored onto servers", async () => {
    await one.backup();
    const postgres = { database: "ledger", replicated: false, schema: "boxes", servers: [], user: "ledger" } as const;
    const onto = one.restore({ postgres: { ...postgres, type: "ledger-postgres", version: 1 } });
    await expect(onto).rejects.toEqual(expect.objectContaining({ code: "USAGE" }));
    expect(existsSync(one.target)).toBe(false);
  });

  it("LOG-RECORD: a backup of a ledger that was tampered with is told from its leaves up", async () => {
    const text = "UPDATE entries SET record = replace(record, 'document 1', 'document 9') WHERE idx = 1";
    tamper(one.log.ledger, text);
    await one.backup();
    await expect(one.restore()).rejects.toEqual(refused("LOG-RECORD", "entry 1"));
    expect(await one.restore({ forReading: true })).toMatchObject({ keys: false, check: { size: 3 } });
  });

  it("PIN-WRONG: the keys in a backup open by their passphrase alone", async () => {
    await one.backup();
    await one.restore();
    const sealed = JSON.parse(readFileSync(one.at("backup/signer/keys.json"), "utf8")).sealed;
    expect(Object.keys(sealed).sort()).toEqual(["ciphertext", "nonce", "salt", "scrypt"]);
    expect(readFileSync(one.at("backup/signer/keys.json"), "utf8")).not.toMatch(/PRIVATE/);
    await expect(keysIn(one.target)).rejects.toEqual(expect.objectContaining({ code: "CONFIG" }));
  });
});
