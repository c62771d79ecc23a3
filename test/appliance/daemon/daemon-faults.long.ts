import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { changeLastByte } from "../../host/change-file.ts";
import { makeCrl } from "../../pki/crl.ts";
import { authorization, following, fromNow, operators, root, signPolicy } from "../signer/people.ts";
import { codeOf } from "../signer/test-box.ts";
import { DaemonBox, realMedia } from "./daemon-box.ts";

const { op1, op2 } = operators;
let box: DaemonBox;

beforeEach(async () => {
  box = await DaemonBox.make();
});

afterEach(() => box.remove());

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

  it("NOTHING-LOST: who approved is still told of an authorised batch after a restart", async () => {
    const { batchDigest } = await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op2);
    const approved = async (count: number) => {
      const { approvals } = await box.until("contracts", "waiting-for-unlock");
      // The order of who approved in one second is none.
      const inOrder = [...approvals].sort((one, other) => (one.person < other.person ? -1 : 1));
      return inOrder.length === count ? inOrder : undefined;
    };
    const before = await box.eventually("both approvers", () => approved(2));
    expect(before.map(({ person }) => person)).toEqual(["op1", "op2"]);
    await box.stopDaemon();
    await box.startDaemon();
    expect(await box.eventually("both approvers again", () => approved(2))).toEqual(before);

    await box.stopDaemon();
    const file = join(box.settings.spool, "batches", batchDigest, "authorization.p7m");
    changeLastByte(file);
    await box.startDaemon();
    await box.eventually("that the file does not hold", async () =>
      box.logged.some((line) => line.includes("who approved is not known")) ? true : undefined,
    );
    expect(await approved(0)).toEqual([]);
  });

  it("NOTHING-LOST: an approval file that was changed on the disk does not survive", async () => {
    const { batchDigest } = await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1);
    await box.stopDaemon();
    const file = join(box.settings.spool, "batches", batchDigest, "approvals/op1.p7m");
    changeLastByte(file);
    await box.startDaemon();
    expect((await box.until("contracts", "waiting-for-approval", "waiting for 2 of 2")).approvals).toEqual([]);
  });

  it("NOTHING-LOST: a copy that was moved into the spool and could not be made durable gives way to the next one", async () => {
    await box.stopDaemon();
    const { batchDigest } = await box.bring("contracts");
    await box.startDaemon();
    const copy = join(box.settings.spool, "batches", batchDigest);
    mkdirSync(join(copy, "documents"), { recursive: true });
    writeFileSync(join(copy, "batch.p7m"), "not whole");
    await box.until("contracts", "waiting-for-approval");
    expect(readdirSync(copy).sort()).toEqual(["approvals", "batch.p7m", "documents", "intake.json"]);
  });

  it("NOTHING-LOST: an approval that was stored but told as failed can be given again", async () => {
    const { batchDigest } = await box.bring("contracts");
    await box.until("contracts", "waiting-for-approval");
    const p7m = await authorization(await box.challenge("contracts"), op1);
    writeFileSync(join(box.settings.spool, "batches", batchDigest, "approvals/op1.p7m"), p7m);
    await box.approve("contracts", op1);
    await box.until("contracts", "waiting-for-approval", "op1 has approved");
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
    expect((await box.verified("contracts")).ok).toBe(true);
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

  it("REVOCATION-STALE: CRLs in control/in come to the signer once, as they are, also large ones; what is none is refused and said", async () => {
    const control = join(box.settings.media.in, "coldseal/control/in");
    mkdirSync(control, { recursive: true });
    const revoked = Array.from({ length: 60_000 }, (_, at) => Uint8Array.of(0x7f, 1, at >> 8, at & 255));
    const list = makeCrl(root, { revoked, thisUpdate: fromNow(-60), nextUpdate: fromNow(86_400) });
    expect(list.length).toBeGreaterThan(2 << 20);
    writeFileSync(join(control, "root.crl"), list);
    const empty = Uint8Array.of(0x30, 0);
    writeFileSync(join(control, "none.crl"), empty);
    writeFileSync(join(control, "text.crl"), "none");
    writeFileSync(join(control, "none.ors"), list.subarray(0, 1000));
    writeFileSync(join(control, "0007.ers"), empty);
    writeFileSync(join(control, "seven.ers"), empty);
    const { imported, refused } = await box.client.import();
    expect(imported).toEqual([{ file: "root.crl", kind: "crl", number: 1 }]);
    expect(refused).toMatchObject([
      { file: "0007.ers", refusal: { code: "UNANCHORED" } },
      { file: "none.crl", refusal: { code: "PATH-FORM" } },
      { file: "none.ors", refusal: { code: "PATH-FORM" } },
      { file: "seven.ers", refusal: { code: "CMS-TYPE" } },
      { file: "text.crl", refusal: { code: "DER" } },
    ]);
    expect((await box.client.import()).imported).toEqual(imported);
    const kept = box.signer.box.db.prepare<[], Uint8Array>("SELECT bytes FROM revocation_data").pluck().all();
    expect(kept.map((bytes) => hex(sha256(bytes)))).toEqual([hex(sha256(list))]);
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
    expect(box.refusalIn("bomb")).toBe("INTERNAL");
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
