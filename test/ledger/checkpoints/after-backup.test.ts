/** A ledger that publishes nothing before a backup holds it: what may be signed goes on as far as the newest backup, and no further. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BackedUp } from "../../../ledger/backup/backed-up.ts";
import { lastPublished } from "../../../ledger/checkpoints/last-published.ts";
import type { WitnessSettings } from "../../../ledger/checkpoints/witness-settings.ts";
import { formerHead } from "../../../ledger/log/proofs.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { recordsFrom } from "../a-ledger.ts";
import { aLog, noSigner, type TestLog } from "./a-log.ts";

const none: WitnessSettings = { cosignatures: 0, witnesses: [] };

let log: TestLog;
beforeEach(async () => {
  log = await aLog();
});
afterEach(() => log.end());

const grow = async (count: number) => {
  const { size } = await log.ledger.db.reading(treeHead);
  await log.ledger.add(recordsFrom(size, count));
};

/** As a backup notes it that was made when the log had so many entries. */
const backupOf = async (size: number): Promise<BackedUp> => {
  const { root } = await log.ledger.db.reading((sql) => formerHead(sql, size));
  return { made: "2026-11-29T18:00:00Z", root: root.toHex(), size, to: "/backups/one" };
};

/** What comes of it, and how many entries each place shows. */
const broughtOut = async (backedUp: BackedUp | null, signer = log.signer, settings = none) => {
  const { published, size, waiting } = await log.bringOut(settings, { backedUp, signer });
  const shown = log.places.map(({ name }) => {
    const path = join(name, "checkpoint");
    return existsSync(path) ? readCheckpoint(new Uint8Array(readFileSync(path))).size : 0;
  });
  return { code: waiting?.code ?? null, got: waiting?.got, published: published?.size ?? null, shown, size };
};

describe("a ledger that publishes after a backup", () => {
  it("UNBACKED: signs nothing while there is no backup, then all that it holds; what came in since waits for the next", async () => {
    expect(await broughtOut(null, noSigner)).toMatchObject({ code: null, published: null });
    await grow(5);
    const nothing = { code: "UNBACKED", published: null, shown: [0, 0] };
    expect(await broughtOut(null, noSigner)).toMatchObject({ ...nothing, got: "none" });
    expect((await (await log.signer()).status()).size).toBe(0);
    expect(await broughtOut(await backupOf(5))).toMatchObject({ code: null, published: 5, shown: [5, 5] });
    await grow(300);
    const waits = { code: "UNBACKED", published: 5, shown: [5, 5] };
    expect(await broughtOut(await backupOf(5), noSigner)).toMatchObject(waits);
    expect(await lastPublished(log.ledger.db, none, log.places)).toMatchObject({ size: 5 });
    expect(await broughtOut(await backupOf(305))).toMatchObject({ code: null, published: 305, shown: [305, 305] });
  });

  it("UNBACKED: a backup of less lets no more go, in the middle of what came in since too; witnesses cosign what goes", async () => {
    const settings = { cosignatures: 1, witnesses: [await log.witness("witness.example/1")] };
    await grow(5);
    await broughtOut(await backupOf(5), log.signer, settings);
    await grow(4);
    const middle = await backupOf(9);
    await grow(270);
    expect(await broughtOut(middle, log.signer, settings)).toMatchObject({
      code: "UNBACKED",
      got: "one of 9, made 2026-11-29T18:00:00Z",
      published: 9,
      shown: [9, 9],
    });
    const less = { code: "UNBACKED", published: null, shown: [9, 9] };
    expect(await broughtOut(await backupOf(5), noSigner, settings)).toMatchObject(less);
    expect(await broughtOut(await backupOf(279), log.signer, settings)).toMatchObject({ code: null, published: 279 });
  });

  it("UNBACKED: a backup of another history, and one of more than the store has, count for nothing", async () => {
    await grow(5);
    const { made, root, to } = await backupOf(5);
    const nothing = { code: "UNBACKED", published: null, shown: [0, 0], got: expect.stringMatching(/another history/) };
    expect(await broughtOut({ made, root: "00".repeat(32), size: 5, to }, noSigner)).toMatchObject(nothing);
    expect(await broughtOut({ made, root, size: 6, to }, noSigner)).toMatchObject(nothing);
    expect(await broughtOut({ made, root, size: 4, to }, noSigner)).toMatchObject(nothing);
  });

  it("UNBACKED: what was signed before it had to wait is not signed again as less; the next backup lets all go on", async () => {
    await grow(5);
    const five = await backupOf(5);
    await grow(3);
    await log.bringOut(none);
    const waits = { code: "UNBACKED", published: null, shown: [8, 8] };
    expect(await broughtOut(five, noSigner)).toMatchObject(waits);
    expect(await broughtOut(null, noSigner)).toMatchObject(waits);
    await grow(1);
    expect(await broughtOut(await backupOf(9))).toMatchObject({ code: null, published: 9 });
  });

  it("BUSY: what is signed already, and was not kept yet, is no sign of a store that was put back", async () => {
    await grow(5);
    const five = await backupOf(5);
    await grow(3);
    const head = await log.ledger.db.reading(treeHead);
    await (await log.signer()).checkpoint(head, 0, []);
    await expect(broughtOut(five)).rejects.toMatchObject({ code: "BUSY" });
    expect(await broughtOut(await backupOf(8))).toMatchObject({ code: null, published: 8 });
  });
});
