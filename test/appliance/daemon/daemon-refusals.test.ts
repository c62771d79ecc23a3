import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refusal } from "../../../manifests/refusal.ts";
import { operators } from "../signer/people.ts";
import { DaemonBox } from "./daemon-box.ts";

let box: DaemonBox;

beforeEach(async () => {
  box = await DaemonBox.make();
});

afterEach(() => box.remove());

describe("refusals", () => {
  it("HONEST: refused batches get their coded refusal, and none keeps another batch waiting", async () => {
    await box.remove();
    box = await DaemonBox.make({ realIntake: true });
    await box.signer.unlock();
    await box.bring("bad-digest", { spoil: (path) => appendFileSync(join(path, "documents/d0.txt"), "!") });
    await box.bring("bad-mode", { head: { mode: "offline" } });
    await box.bring("bad-link", { spoil: (path) => symlinkSync("/etc/passwd", join(path, "documents/d9.txt")) });
    await box.bring("no-batch", { spoil: (path) => writeFileSync(join(path, "batch.p7m"), "not CMS at all") });
    await box.bring("missing", { spoil: (path) => rmSync(join(path, "documents/d1.txt")) });
    await box.bring("good");
    await box.until("good", "waiting-for-approval");
    const codes = [];
    for (const folder of ["bad-digest", "bad-mode", "bad-link", "no-batch", "missing"]) {
      await box.until(folder, "refused");
      codes.push(box.refusalIn(folder));
    }
    expect(codes).toEqual(["DOCUMENT-SIZE", "MODE", "MEDIA-KIND", "CMS-FORM", "DOCUMENT-MISSING"]);
    expect(readdirSync(join(box.settings.spool, "incoming"))).toEqual([]);
    expect(box.spooled()).toHaveLength(1);
  });

  it("T2: what is no batch folder is refused under a name of ours, once", async () => {
    mkdirSync(join(box.settings.media.in, "coldseal/inbox/Übung 1"));
    // Its answer could not be written under its own name either.
    mkdirSync(join(box.settings.media.in, "coldseal/inbox/con"));
    writeFileSync(join(box.settings.media.in, "coldseal/inbox/readme.txt"), "hello");
    const outbox = join(box.settings.media.out, "coldseal/outbox");
    const names = await box.eventually("three refusals", async () => {
      const found = readdirSync(outbox).filter((name) => !name.startsWith("."));
      return found.length === 3 ? found : undefined;
    });
    for (const name of names.filter((one) => one !== "readme.txt")) expect(name).toMatch(/^refused-[0-9a-f]{16}$/);
    await box.stopDaemon();
    const refusals = () =>
      box.signer.box.db.prepare("SELECT count(*) FROM journal WHERE kind = 'refused'").pluck().get();
    const before = refusals();
    await box.startDaemon();
    await box.bring("next");
    await box.until("next", "waiting-for-approval");
    expect(refusals()).toBe(before);
  });

  it("MEDIA-LIMIT: what a look at the stick leaves out is told in list and status, and in an import", async () => {
    const control = [{ name: "x", size: 1 }];
    const refusal = { code: "MEDIA-NAME", message: "no" };
    const sight = { batches: [], control, controlCount: 10_001, odd: [{ name: "A", refusal }], oddCount: 7 };
    box.overrideIntake = { scan: async () => ({ result: sight }) };
    const told = async () => {
      const { sticks } = await box.client.listing();
      return sticks.length === 2 ? sticks : undefined;
    };
    const words = (await box.eventually("two alarms", told)).join("\n");
    expect(words).toContain("ALARM: 7 entries of the inbox are no batches; only 1 of them are refused one by one");
    expect(words).toContain("ALARM: control/in holds 10,001 files or more; an import looks at the first 1 by name");
    expect(JSON.stringify(await box.client.status())).toContain("control/in holds 10,001 files or more");
    expect((await box.client.import()).left).toContain("take away those that were taken in");
    expect(box.logged.join("")).toContain("control/in holds 10,001 files or more");

    box.overrideIntake = {
      scan: async () => {
        throw new Refusal("MEDIA-LIMIT", "a folder holds more than 10000 entries");
      },
    };
    await box.eventually("the inbox's alarm", async () => {
      const [only, ...others] = (await box.client.listing()).sticks;
      return others.length === 0 && only?.includes("no batch is taken from it: a folder holds more than")
        ? only
        : undefined;
    });
    box.overrideIntake = {};
    await box.eventually("no alarm", async () => ((await box.client.listing()).sticks.length === 0 ? true : undefined));
  });

  it("NOTHING-LOST: an incomplete batch waits in words, and is taken when the rest comes", async () => {
    let kept = "";
    await box.stopDaemon();
    Object.assign(box.settings, { incompleteSeconds: 60 });
    await box.startDaemon();
    await box.bring("slow", {
      spoil: (path) => {
        kept = join(box.folder, "later.txt");
        renameSync(join(path, "documents/d2.txt"), kept);
      },
    });
    await box.until("slow", "waiting-for-documents", "not all of it is there: 2 of 3 documents");
    renameSync(kept, join(box.inbox("slow"), "documents/d2.txt"));
    await box.until("slow", "waiting-for-approval");
  });

  it("T18: a signer that computes another digest than intake gets no approval asked for", async () => {
    box.override = {
      submit: async (_, call) => {
        for await (const _piece of call.body);
        return { result: { outcome: "challenge", batchDigest: "00".repeat(32), challenge: "{}", state: "challenged" } };
      },
    };
    await box.bring("contracts");
    await box.until("contracts", "refused");
    expect(box.refusalIn("contracts")).toBe("SAME-BYTES");
  });

  it("BATCH-ENDED: a batch with a manifest that comes again and is not taken: its folder is refused, not that batch", async () => {
    await box.signer.unlock();
    const { batchDigest } = await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", operators.op1, operators.op2);
    await box.until("contracts", "released");
    box.override = {
      submit: async (_, call) => {
        for await (const _piece of call.body);
        throw new Refusal("BATCH-ENDED", "this batch was aborted");
      },
    };
    cpSync(box.inbox("contracts"), box.inbox("again"), { recursive: true });
    expect(await box.until("again", "refused")).toMatchObject({ batchDigest });
    expect(box.refusalIn("again")).toBe("BATCH-ENDED");
  });
});
