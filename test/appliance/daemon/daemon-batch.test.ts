import { rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authorization, operators, secondTokenOfOp1, stranger } from "../signer/people.ts";
import { codeOf } from "../signer/test-box.ts";
import { DaemonBox } from "./daemon-box.ts";

const { op1, op2, op3 } = operators;
let box: DaemonBox;

beforeEach(async () => {
  box = await DaemonBox.make();
});

afterEach(() => box.remove());

describe("a batch from stick to stick", () => {
  it("QUORUM: two of three people approve, the seals and the manifest go out and hold, the spool is free again", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval", "waiting for 2 of 2 approvals");
    await box.approve("contracts", op1);
    await box.until("contracts", "waiting-for-approval", "waiting for 1 of 2 approvals (op1 has approved");
    await box.approve("contracts", op3);
    const row = await box.until("contracts", "released", "you may remove the stick now");
    expect(row.number).toBe(1);
    expect(await box.verified("contracts")).toMatchObject({
      ok: true,
      outcome: "sealed",
      quorum: "pinned to genesis",
      number: 1,
    });
    expect(box.spooled()).toEqual([]);
    expect(await box.signer.box.batches.released(1)).toBe(true);
  });

  it("T15: one person with two tokens is one approval; a stranger is none; a second approval changes nothing", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op1);
    const challenge = await box.challenge("contracts");
    const again = box.client.decide("approve", "contracts", await authorization(challenge, secondTokenOfOp1));
    expect(await codeOf(again)).toBe("none");
    const unknown = box.client.decide("approve", "contracts", await authorization(challenge, stranger));
    expect(await codeOf(unknown)).toBe("PERSON-UNKNOWN");
    const both = box.client.decide("approve", "contracts", await authorization(challenge, op2, op3));
    expect(await codeOf(both)).toBe("CMS-SIGNERS");
    expect((await box.row("contracts"))?.approvals.map(({ person }) => person)).toEqual(["op1"]);
  });

  it("SEAL-ONCE: a folder that changed while it was copied, and holds the same batch, is not one beside it", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    const now = Date.now() / 1000;
    utimesSync(join(box.inbox("contracts"), "batch.p7m"), now, now);
    const copied = () => box.logged.filter((line) => line.includes('"msg":"copying"')).length;
    await box.eventually("copied again", async () => (copied() === 2 ? true : undefined));
    await box.eventually("one row", async () => ((await box.client.list(true)).length === 1 ? true : undefined));
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "released");
    await box.eventually("looked again", async () => (await box.client.list(true)).length === 1 || undefined);
    expect(copied()).toBe(2);
    expect(box.logged.join("")).not.toContain("was sealed before");
  });

  it("T16: an approval of another challenge is refused at once", async () => {
    await box.bring("one");
    await box.bring("two");
    await box.until("two", "waiting-for-approval");
    await box.until("one", "waiting-for-approval");
    const other = await authorization(await box.challenge("two"), op1);
    expect(await codeOf(box.client.decide("approve", "one", other))).toBe("CHALLENGE-MATCH");
  });

  it("QUORUM: one's own approval can be withdrawn, and that is journalled; nobody else's can", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    expect(await codeOf(box.dissent("withdraw", "contracts", op2))).toBe("BATCH-STATE");
    await box.dissent("withdraw", "contracts", op1);
    expect((await box.row("contracts"))?.approvals).toEqual([]);
    const rows = box.signer.box.db.prepare("SELECT record FROM journal WHERE kind = 'reported'").pluck().all();
    expect(rows.map(String).join()).toContain('"person":"op1"');
    await box.stopDaemon();
    await box.startDaemon();
    expect((await box.until("contracts", "waiting-for-approval", "waiting for 2")).approvals).toEqual([]);
  });

  it("REJECTED: one rejection ends the batch and goes out beside the refusal", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.dissent("reject", "contracts", op2);
    await box.until("contracts", "rejected");
    expect(box.outbox("contracts")).toEqual(["batch.p7m", "refusal.p7m", "rejection.p7m"]);
    expect(box.refusalIn("contracts")).toBe("REJECTED");
    expect(box.spooled()).toEqual([]);
  });

  it("ABORTED: an abort before sealing ends the batch without a number", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "waiting-for-unlock", "waiting for unlock");
    await box.dissent("abort", "contracts", op3);
    await box.until("contracts", "aborted", "nothing was sealed");
    expect(box.outbox("contracts")).toEqual(["abort.p7m", "batch.p7m", "refusal.json"]);
    expect(box.refusalIn("contracts")).toBe("ABORTED");
  });

  it("BATCH-ENDED: nothing can be decided about a batch that ended, however it ended; an unknown one is BATCH-UNKNOWN", async () => {
    await box.signer.unlock();
    const ends = { released: "approve", rejected: "reject", aborted: "abort" } as const;
    const made = new Map<string, Uint8Array>();
    for (const [folder, end] of Object.entries(ends)) {
      await box.bring(folder);
      await box.until(folder, "waiting-for-approval");
      made.set(folder, await authorization(await box.challenge(folder), op1));
      if (end === "approve") await box.approve(folder, op1, op2);
      else await box.dissent(end, folder, op3);
      await box.until(folder, folder as keyof typeof ends);
    }
    await box.bring("refused", { head: { mode: "offline" } });
    await box.until("refused", "refused");
    for (const folder of [...Object.keys(ends), "refused"]) {
      expect(await codeOf(box.client.open(folder)), folder).toBe("BATCH-ENDED");
      for (const method of ["approve", "withdraw", "reject", "abort"] as const) {
        const decided = box.client.decide(method, folder, made.get(folder) ?? new Uint8Array(3));
        expect(await codeOf(decided), `${method} ${folder}`).toBe("BATCH-ENDED");
      }
    }
    expect(await codeOf(box.client.open("nothing"))).toBe("BATCH-UNKNOWN");
    for (const method of ["approve", "withdraw", "reject", "abort"] as const) {
      expect(await codeOf(box.client.decide(method, "nothing", new Uint8Array(3)))).toBe("BATCH-UNKNOWN");
    }
  });

  it("BATCH-STATE: a batch whose copy is lost is not approved until it is brought again", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    const p7m = await authorization(await box.challenge("contracts"), op1);
    await box.stopDaemon();
    rmSync(join(box.settings.spool, "batches"), { recursive: true });
    rmSync(box.inbox("contracts"), { recursive: true });
    await box.startDaemon();
    await box.until("contracts", "waiting-for-approval");
    expect(await codeOf(box.client.open("contracts"))).toBe("BATCH-STATE");
    expect(await codeOf(box.client.decide("approve", "contracts", p7m))).toBe("BATCH-STATE");
  });

  it("LOCKED: a full authorisation waits for the unlock, then goes on by itself", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "waiting-for-unlock", "LOCKED");
    await box.signer.unlock();
    await box.until("contracts", "released");
  });

  it("UX5: who watches is told each state once, and the end", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    const states: string[] = [];
    const watching = box.client.watch("contracts", ({ state }) => states.push(state));
    await box.approve("contracts", op1, op2);
    expect((await watching).state).toBe("released");
    expect(states[0]).toBe("waiting-for-approval");
  });
});
