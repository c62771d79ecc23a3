import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { readRefusalFile } from "../../../manifests/records/refusal-record.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import {
  authorization,
  following,
  operators,
  otherSubmitter,
  root,
  secondTokenOfOp1,
  signPolicy,
  stranger,
} from "../signer/people.ts";
import { codeOf } from "../signer/test-box.ts";
import { DaemonBox, realMedia } from "./daemon-box.ts";

const { op1, op2, op3 } = operators;
let box: DaemonBox;

beforeEach(async () => {
  box = await DaemonBox.make();
});

afterEach(() => box.remove());

function verified(folder: string) {
  const path = join(box.settings.media.out, "coldseal/outbox", folder);
  return verifyBundle(nodeHost, bundleFolder(path, { documents: join(box.inbox(folder), "documents") }), {
    roots: [root.certificate],
    genesis: box.signer.box.policies.inForce.genesis,
  });
}

function refusalIn(folder: string): string {
  const [name] = box.outbox(folder).filter((one) => one.startsWith("refusal."));
  const bytes = box.readOutbox(folder, name ?? "refusal.json");
  return readRefusalFile(name === "refusal.p7m" ? (readSignedData(bytes).content as Uint8Array) : bytes).code;
}

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
    expect(await verified("contracts")).toMatchObject({
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
    expect(refusalIn("contracts")).toBe("REJECTED");
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
    expect(refusalIn("contracts")).toBe("ABORTED");
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
      codes.push(refusalIn(folder));
    }
    expect(codes).toEqual(["DOCUMENT-SIZE", "MODE", "MEDIA-KIND", "CMS-FORM", "DOCUMENT-MISSING"]);
    expect(readdirSync(join(box.settings.spool, "incoming"))).toEqual([]);
    expect(box.spooled()).toHaveLength(1);
  });

  it("T2: what is no batch folder is refused under a name of ours, once", async () => {
    mkdirSync(join(box.settings.media.in, "coldseal/inbox/Übung 1"));
    writeFileSync(join(box.settings.media.in, "coldseal/inbox/readme.txt"), "hello");
    const outbox = join(box.settings.media.out, "coldseal/outbox");
    const names = await box.eventually("two refusals", async () => {
      const found = readdirSync(outbox).filter((name) => !name.startsWith("."));
      return found.length === 2 ? found : undefined;
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
    expect(refusalIn("contracts")).toBe("SAME-BYTES");
  });
});

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
    await box.until("again", "released");
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

  it("CHAIN: manifests that the keeper did not acknowledge go onto the audit stick", async () => {
    const keeper = join(box.folder, "keeper");
    mkdirSync(keeper);
    expect(await box.client.exportAudit()).toEqual({ numbers: [1], path: "coldseal/audit" });
    expect(readdirSync(join(keeper, "coldseal/audit/1")).sort()).toEqual([
      "authorization.p7m",
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

describe("faults and restarts", () => {
  it("NOTHING-LOST: approvals survive a restart of the daemon", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    await box.stopDaemon();
    await box.startDaemon();
    const row = await box.until("contracts", "waiting-for-approval", "op1 has approved");
    expect(row).toMatchObject({ submitter: expect.stringContaining("Contracts desk"), count: 3 });
  });

  it("NOTHING-LOST: an approval file that was changed on the disk does not survive", async () => {
    const { batchDigest } = await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    await box.stopDaemon();
    const file = join(box.settings.spool, "batches", batchDigest, "approvals/op1.p7m");
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(file, bytes);
    await box.startDaemon();
    expect((await box.until("contracts", "waiting-for-approval", "waiting for 2 of 2")).approvals).toEqual([]);
  });

  it("NOTHING-LOST: without answered.json and with half copies the daemon starts, and does work again", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "released");
    await box.stopDaemon();
    writeFileSync(join(box.settings.spool, "answered.json"), "{broken");
    mkdirSync(join(box.settings.spool, "incoming/0123"));
    writeFileSync(join(box.settings.spool, "incoming/0123/batch.p7m"), "half");
    await box.startDaemon();
    await box.eventually("the receipt given again", async () =>
      box.logged.join("").includes("was sealed before") ? true : undefined,
    );
    await box.until("contracts", "released");
    expect(readdirSync(join(box.settings.spool, "incoming"))).toEqual([]);
    expect(box.signer.box.db.prepare("SELECT count(*) FROM manifests").pluck().get()).toBe(1);
  });

  it("NOTHING-LOST: a sealed batch whose spool is lost is still released", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    let fail = true;
    box.media = {
      ...realMedia,
      writeAnswer: (options) =>
        fail ? Promise.reject(new Refusal("MEDIA-WRITE", "pulled out")) : realMedia.writeAnswer(options),
    };
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "exporting", "MEDIA-WRITE: pulled out");
    await box.stopDaemon();
    rmSync(box.settings.spool, { recursive: true });
    mkdirSync(join(box.settings.spool, "incoming"), { recursive: true });
    fail = false;
    await box.startDaemon();
    await box.until("contracts", "released");
    expect((await verified("contracts")).ok).toBe(true);
  });

  it("UNREACHABLE: with the signer gone the daemon keeps its state and says so; the signer comes back locked", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    await box.killSigner();
    await box.eventually(
      "signer gone",
      async () => ((await box.client.status()) as { signer: unknown }).signer === null || undefined,
    );
    expect((await box.row("contracts"))?.approvals).toHaveLength(1);
    expect(await codeOf(box.approve("contracts", op2))).not.toBe("none");
    await box.startSigner();
    await box.eventually(
      "signer back",
      async () => ((await box.client.status()) as { signer: unknown }).signer !== null || undefined,
    );
    await box.approve("contracts", op2);
    await box.until("contracts", "waiting-for-unlock");
    await box.signer.unlock();
    await box.until("contracts", "released");
  });

  it("T19: a stick that fails keeps the batch sealed; export writes it to another", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    const bad = box.settings.media.out;
    box.media = {
      ...realMedia,
      writeAnswer: (options) =>
        options.root === bad
          ? Promise.reject(new Refusal("MEDIA-FULL", "too little space"))
          : realMedia.writeAnswer(options),
    };
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "exporting", "MEDIA-FULL");
    const other = join(box.folder, "other");
    mkdirSync(other);
    await box.client.export("contracts", other);
    await box.until("contracts", "released");
    expect(readdirSync(join(other, "coldseal/outbox/contracts"))).toContain("manifest.p7m");
  });

  it("CHECKED-OUT: what does not verify on the stick is not released", async () => {
    await box.signer.unlock();
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    box.media = {
      ...realMedia,
      async writeAnswer(options) {
        const written = await realMedia.writeAnswer(options);
        writeFileSync(join(options.root, written.path, "documents.jsonl"), "");
        return written;
      },
    };
    await box.approve("contracts", op1, op2);
    await box.until("contracts", "exporting", "CHECKED-OUT");
    expect(box.signer.box.batches.released(1)).toBe(false);
    box.media = realMedia;
    rmSync(join(box.settings.media.out, "coldseal/outbox"), { recursive: true });
    await box.client.export("contracts");
    await box.until("contracts", "released");
  });

  it("T16: an expired challenge is replaced, and approvals must be given again", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    const before = await box.challenge("contracts");
    box.ahead = 3_700_000;
    box.signer.clocks.offset = 3_700_000;
    await box.eventually("a new challenge", async () =>
      (await box.challenge("contracts")).nonce !== before.nonce ? true : undefined,
    );
    const row = await box.until("contracts", "waiting-for-approval", "approvals must be given again");
    expect(row.approvals).toEqual([]);
  });

  it("T17: an imported policy comes into force, and open batches get new challenges; a file is imported once", async () => {
    await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    const control = join(box.settings.media.in, "coldseal/control/in");
    mkdirSync(control, { recursive: true });
    const next = following(box.signer.policy, { thresholds: { policy: 2, seal: 3 } });
    writeFileSync(join(control, "policy.p7m"), await signPolicy(next, ["op1", "op2"]));
    writeFileSync(join(control, "crl.der"), "later");
    const { imported, refused } = await box.client.import();
    expect(imported).toEqual([{ file: "policy.p7m", kind: "policy", number: 2 }]);
    expect(refused).toMatchObject([{ file: "crl.der", refusal: { code: "CMS-TYPE" } }]);
    await box.until("contracts", "waiting-for-approval", "waiting for 3 of 3 approvals");
    expect((await box.client.import()).imported).toHaveLength(1);
    expect(box.signer.box.policies.inForce.number).toBe(2);
  });

  it("T5: an intake that fails on a batch is tried three times, then the batch is refused; others go on", async () => {
    let takes = 0;
    box.overrideIntake = {
      async take() {
        takes++;
        throw new TypeError("a fault in intake");
      },
    };
    await box.bring("bomb");
    await box.until("bomb", "refused");
    expect(takes).toBe(3);
    expect(refusalIn("bomb")).toBe("INTERNAL");
    box.overrideIntake = {};
    await box.bring("good");
    await box.until("good", "waiting-for-approval");
  });

  it("STOPPED: in the middle of copying the daemon ends at once, and leaves nothing half done", async () => {
    const begun = Promise.withResolvers<string>();
    const hungUp = Promise.withResolvers<void>();
    box.overrideIntake = {
      async take(params, call) {
        const { into } = params as { readonly into: string };
        mkdirSync(into);
        writeFileSync(join(into, "batch.p7m"), "half");
        call.signal.addEventListener("abort", () => hungUp.resolve());
        begun.resolve(into);
        await hungUp.promise;
        return { result: {} };
      },
    };
    await box.bring("contracts");
    await begun.promise;
    await box.stopDaemon();
    await hungUp.promise;
    expect(readdirSync(join(box.settings.spool, "incoming"))).toEqual([]);
    box.overrideIntake = {};
    await box.startDaemon();
    await box.until("contracts", "waiting-for-approval");
  });
});
