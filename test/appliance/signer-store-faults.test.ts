/** T20 in the signer: after a write that failed for good nothing is signed or stored any more, and it still locks and stops. */

import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Box } from "../../appliance/signer/box.ts";
import { lookAround } from "../../appliance/signer/look-around.ts";
import { chunk, mostUnderWay } from "../../appliance/signer/seal-documents.ts";
import { stopBox } from "../../appliance/signer/stop.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { listOf, makeBatch } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

/** From now on no journal row can be written. */
function failJournal(of: Box): void {
  of.journal.append = () => {
    throw new Database.SqliteError("disk I/O error", "SQLITE_IOERR_WRITE");
  };
}

function stored(): unknown {
  return box.box.db.prepare("SELECT (SELECT count(*) FROM intents), (SELECT count(*) FROM signatures)").raw().get();
}

describe("STORE", () => {
  it("STORE: a fault that another call met stops sealing at once: nothing more is begun or stored", async () => {
    const batch = await makeBatch(listOf(200, "a"));
    await box.authorised(batch);
    let before: unknown;
    const sealing = box.seal(batch, (done) => {
      if (done !== 64) return;
      before = stored();
      box.box.fault = new Refusal("STORE", "the store failed");
    });
    expect(await codeOf(sealing)).toBe("STORE");
    expect(box.hsm.sealed.length).toBe(chunk * mostUnderWay);
    expect(stored()).toEqual(before);
  });

  it("STORE: what was signed while the fault came is not stored", async () => {
    const batch = await makeBatch(listOf(200, "a"));
    await box.authorised(batch);
    let chunks = 0;
    box.hsm.onMoment = (moment) => {
      if (moment === "after-sign" && ++chunks === 2) box.box.fault = new Refusal("STORE", "the store failed");
    };
    expect(await codeOf(box.seal(batch))).toBe("STORE");
    expect(stored()).toEqual([chunk * 2, 0]);
  });

  it("STORE: a box whose journal cannot be written locks all the same, and knows that its store failed", async () => {
    failJournal(box.box);
    await box.box.lockbox.lock("test");
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn]).toEqual([false, false]);
    expect(box.box.fault?.code).toBe("STORE");
  });

  it("HSM-GONE: a token that goes away locks the box also where that cannot be journalled; the refusal stays", async () => {
    const batch = await makeBatch(listOf(10, "a"));
    await box.authorised(batch);
    box.hsm.onMoment = (moment) => {
      if (moment !== "before-sign") return;
      failJournal(box.box);
      throw new Refusal("HSM-GONE", "the token is not there");
    };
    expect(await codeOf(box.seal(batch))).toBe("HSM-GONE");
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn, box.box.fault?.code]).toEqual([false, false, "STORE"]);
  });

  it("STORE: a fault met while the time is noted stops the box as any other", async () => {
    const { db } = box.box;
    const prepare = db.prepare.bind(db);
    db.prepare = ((sql: string) => {
      if (sql.startsWith("UPDATE last_time")) throw new Database.SqliteError("disk I/O error", "SQLITE_IOERR_FSYNC");
      return prepare(sql);
    }) as typeof db.prepare;
    expect(await codeOf(lookAround(box.box, box.work))).toBe("STORE");
    expect(box.box.fault?.code).toBe("STORE");
    expect(await codeOf(box.submit(await makeBatch(listOf(1, "a"))))).toBe("STORE");
  });

  it("STORE: an end is reached whatever fails on the way: logged out, token and store closed", async () => {
    const batch = await makeBatch(listOf(500, "a"));
    await box.authorised(batch);
    const told: string[] = [];
    let closed = false;
    let stopping: Promise<void> | undefined;
    const token = {
      close: async () => {
        closed = true;
        throw new Error("a fault in closing");
      },
    };
    const sealing = box.seal(batch, (done) => {
      if (done !== 64) return;
      failJournal(box.box);
      stopping = stopBox({ box: box.box, work: box.work, servers: [], token }, (step) => void told.push(step));
    });
    expect(await codeOf(sealing)).toBe("STORE");
    await stopping;
    expect([closed, box.hsm.loggedIn, box.box.db.open]).toEqual([true, false, false]);
    expect(told).toEqual(["token"]);
  });
});
