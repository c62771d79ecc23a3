import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { operators, otherSubmitter } from "../signer/people.ts";
import { codeOf } from "../signer/test-box.ts";
import { DaemonBox } from "./daemon-box.ts";

const { op1, op2 } = operators;
let box: DaemonBox;

beforeEach(async () => {
  box = await DaemonBox.make();
});

afterEach(() => box.remove());

describe("what was sealed before", () => {
  beforeEach(async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "released");
  });

  it("SEAL-ONCE: the same batch in another folder gets the first receipt again", async () => {
    cpSync(box.inbox("contracts"), box.inbox("again"), { recursive: true });
    await box.until("again", "released", "sealed before as manifest 1, and this is its first receipt again");
    expect(box.readOutbox("again", "manifest.p7m")).toEqual(box.readOutbox("contracts", "manifest.p7m"));
    expect(box.signer.box.db.prepare("SELECT count(*) FROM manifests").pluck().get()).toBe(1);
  });

  it("SEAL-ONCE: the same batch on another stick, same folder and times, gets the first receipt there", async () => {
    const outbox = join(box.settings.media.out, "coldseal/outbox");
    const first = box.readOutbox("contracts", "manifest.p7m");
    renameSync(outbox, join(box.folder, "first-outbox"));
    await box.eventually("the receipt again", async () =>
      box.outbox("contracts").includes("manifest.p7m") ? true : undefined,
    );
    expect(box.readOutbox("contracts", "manifest.p7m")).toEqual(first);
  });

  it("SEAL-ONCE: another submitter's batch of the same documents is another batch", async () => {
    await box.bring("others", { head: { batch: "contracts" }, signer: otherSubmitter });
    await box.until("others", "waiting-for-approval");
  });

  it("T19: a released batch is exported again to another stick, the same bytes", async () => {
    const other = join(box.folder, "other-stick");
    mkdirSync(other);
    const { path, files } = await box.client.export("contracts", other);
    expect(files).toBeGreaterThan(5);
    expect(new Uint8Array(readFileSync(join(other, path, "manifest.p7m")))).toEqual(
      new Uint8Array(box.readOutbox("contracts", "manifest.p7m")),
    );
    expect(await codeOf(box.client.export("contracts", join(box.folder, "nowhere")))).toBe("MEDIA-WRITE");
  });

  it("T19: a batch is exported by its manifest's number, and by a folder that the list calls otherwise by now", async () => {
    const other = join(box.folder, "other-stick");
    mkdirSync(other);
    await box.bring("first", { head: { batch: "q4" } });
    await box.until("first", "waiting-for-approval");
    await box.approve("first", op1, op2);
    await box.until("first", "released");
    cpSync(box.inbox("first"), box.inbox("again"), { recursive: true });
    await box.until("again", "released");
    expect(await box.row("first")).toBeUndefined();
    expect(await box.client.export("first", other)).toMatchObject({ number: 2, path: "coldseal/outbox/first" });
    expect(await box.client.export("1", other)).toMatchObject({ number: 1, path: "coldseal/outbox/contracts" });
    expect(await box.client.watch("first", () => undefined)).toMatchObject({ folder: "first", number: 2 });
    expect(await codeOf(box.client.open("first"))).toBe("BATCH-ENDED");
    expect(await codeOf(box.client.export("3", other))).toBe("BATCH-UNKNOWN");
  });

  it("CHAIN: manifests that the keeper did not acknowledge go onto the audit stick", async () => {
    const keeper = join(box.folder, "keeper");
    mkdirSync(keeper);
    expect(await box.client.exportAudit()).toEqual({ numbers: [1], path: "coldseal/audit" });
    expect(readdirSync(join(keeper, "coldseal/audit/1")).sort()).toEqual([
      "authorization.p7m",
      "batch.p7m",
      "documents.jsonl",
      "manifest.p7m",
    ]);
    expect((await box.client.exportAudit()).numbers).toEqual([1]);
  });

  it("T14: a folder that was answered and then changed is refused without touching the answer", async () => {
    const first = box.readOutbox("contracts", "manifest.p7m");
    appendFileSync(join(box.inbox("contracts"), "documents/d0.txt"), "!");
    await box.eventually("the refusal", async () => {
      const refused = (await box.client.list(true)).find(({ state }) => state === "refused");
      return refused?.waiting.includes("another answer stands on the stick") ? refused : undefined;
    });
    expect(box.readOutbox("contracts", "manifest.p7m")).toEqual(first);
    expect(box.outbox("contracts")).not.toContain("refusal.p7m");
  });
});
