import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { statusOf } from "../../appliance/signer/status.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { base64 } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readSignedClosing } from "../../manifests/records/closing.ts";
import { declarationPath } from "../../manifests/records/names.ts";
import { readSignedOrder } from "../../manifests/records/order.ts";
import { verifyStatement } from "../../manifests/records/statement.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { issue } from "../pki/authority.ts";
import { declaration, type EmergencyBox, emergencyBox, rules, texts } from "./signer/emergency-box.ts";
import { dissent, listOf, makeBatch, oids, operators, root } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn } from "./signer/test-box.ts";

let made: EmergencyBox;
const { op1, op2 } = operators;
const hour = 3_600_000;

beforeEach(async () => {
  made = await emergencyBox();
});
afterEach(() => made.box.remove());

/** A batch of `count` documents in mode emergency. */
const batchOf = (name: string, count = 2) => makeBatch(listOf(count, name), { batch: name, mode: "emergency" });

/** Submitted, approved by op1 alone, sealed. */
async function seal(name: string, count = 2) {
  const batch = await batchOf(name, count);
  await made.box.authorised(batch, op1);
  return made.box.seal(batch);
}

async function sealUsual(name: string) {
  const batch = await makeBatch(listOf(2, name), { batch: name });
  await made.box.authorised(batch);
  return made.box.seal(batch);
}

const end = (order: string) => made.order("end-emergency", { declaration: order, reason: "The KMS is back." });

function closingFile(number: number): Promise<Uint8Array> {
  return made.box.call("closing", { number }).then(async ({ body }) => {
    const parts: Uint8Array[] = [];
    for await (const part of body ?? []) parts.push(part);
    return Buffer.concat(parts);
  });
}

async function verdictOn(
  number: number,
  closings: readonly Uint8Array[] = [],
  change: (files: Map<string, Uint8Array>) => void = () => undefined,
) {
  const files = new Map(await filesOf(made.box, number));
  change(files);
  const trust = { roots: [root.certificate], genesis: made.box.config.genesis, closings };
  return verifyBundle(nodeHost, memorySource({ files }), trust);
}

describe("an emergency", () => {
  it("EMERGENCY: nothing is sealed in it before officers declared one, nor by another key or quorum than its own", async () => {
    expect(await codeOf(seal("early"))).toBe("EMERGENCY");
    const order = await made.declare();
    expect(await seal("first")).toEqual({ number: 1, outcome: "sealed" });
    const files = await filesOf(made.box, 1);
    const manifest = manifestIn(files);
    expect(manifest).toMatchObject({
      authorization: { approvers: [{ person: "op1" }] },
      emergency: { cause: "provider", earlierSeals: 0, order, text: declaration.text },
      mode: "emergency",
    });
    expect(manifest.keys.sealing.key).not.toBe(manifestIn(await sealedUsual(2)).keys.sealing.key);
    const declared = await readSignedOrder(nodeHost, oids, files.get(declarationPath) as Uint8Array);
    expect(declared.order.kind).toBe("declare-emergency");
    expect((await verifyRecord(made.box.box)).manifests).toBe(2);
  });

  async function sealedUsual(number: number) {
    expect(await codeOf(sealAlone())).toBe("QUORUM");
    await sealUsual("usual");
    return filesOf(made.box, number);
  }

  /** In the usual mode one approval does not suffice, whatever is open. */
  async function sealAlone() {
    const batch = await makeBatch(listOf(1, "alone"), { batch: "alone" });
    await made.box.authorised(batch, op1);
  }

  it("EMERGENCY: opened, used and closed, its bundles say so, and the closing record lists them all", async () => {
    const order = await made.declare();
    await seal("one");
    await sealUsual("between");
    await seal("two", 3);
    const open = await verdictOn(1);
    expect([open.ok, open.findings]).toEqual([true, []]);
    expect(open.emergency).toMatchObject({
      cause: "provider",
      closing: null,
      officers: ["op1", "op2"],
      order,
      reason: declaration.reason,
      text: texts[0],
    });
    expect((await verdictOn(2)).emergency).toBeNull();

    const ended = await end(order);
    expect(ended.why).toBeUndefined();
    const { statement } = await verifyStatement(nodeHost, oids, ended.statement as Uint8Array);
    const p7m = await closingFile(ended.number);
    const { closing } = await readSignedClosing(nodeHost, oids, p7m);
    expect(closing).toMatchObject({ cause: "provider", seals: 5, declared: { order }, text: declaration.text });
    expect(closing.manifests.map(({ number, seals }) => [number, seals])).toEqual([
      [1, 2],
      [3, 3],
    ]);
    expect(statement.facts["closing record"]).toMatch(/^SHA-256 [0-9a-f]{64}$/);
    for (const number of [1, 3]) {
      const { emergency, findings, ok } = await verdictOn(number, [p7m]);
      expect([number, ok, findings]).toEqual([number, true, []]);
      expect(emergency?.closing).toMatchObject({
        manifests: 2,
        missing: [],
        numbers: { from: 1, to: 3 },
        policyShown: true,
        seals: 5,
      });
    }
    expect(await codeOf(seal("late"))).toBe("EMERGENCY");
    await made.box.restart();
    expect((await verifyRecord(made.box.box)).manifests).toBe(3);
    // The same order again gives the same closing record.
    expect(await closingFile(ended.number)).toEqual(p7m);
  });

  it("EMERGENCY: seals and hours of the policy are its ends, also when they come between approval and sealing", async () => {
    made.box.remove();
    made = await emergencyBox({ hours: 2 });
    await made.declare();
    await seal("four", 4);
    expect(await codeOf(seal("two", 2))).toBe("EMERGENCY");
    const waiting = await batchOf("waiting", 1);
    await made.box.authorised(waiting, op1);
    made.box.clocks.offset = 3 * hour;
    expect(await codeOf(made.box.seal(waiting))).toMatch(/^(EMERGENCY|CHALLENGE-EXPIRED)$/);
    expect(await codeOf(seal("later", 1))).toBe("EMERGENCY");
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ emergency: { limit: 5, used: 4, refused: null } });
  });

  it("EMERGENCY: approvals of one emergency are worth nothing in the next", async () => {
    const first = await made.declare();
    const batch = await batchOf("stockpiled");
    await made.box.authorised(batch, op1);
    await end(first);
    expect(await codeOf(made.box.seal(batch))).toBe("EMERGENCY");
    const second = await made.declare({ reason: "Once more." });
    expect(second).not.toBe(first);
    expect(await codeOf(made.box.seal(batch))).toBe("EMERGENCY");
    // Asked for again, it gets a challenge of the emergency that is open.
    expect((await made.box.challenge(batch)).emergency).toBe(second);
    await made.box.authorised(batch, op1);
    expect(await made.box.seal(batch)).toMatchObject({ outcome: "sealed" });
  });

  it("EMERGENCY: what the policy does not allow is not declared; two are not open at once; another one is not ended", async () => {
    const text = { digest: "00".repeat(32), language: "en" };
    expect(await codeOf(made.declare({ text }))).toBe("EMERGENCY");
    expect(await codeOf(made.declare({ text: { ...declaration.text, language: "de" } }))).toBe("EMERGENCY");
    expect(await codeOf(made.declare({}, [op1]))).toBe("QUORUM");
    expect(await codeOf(end("11".repeat(32)))).toBe("ORDER");
    const order = await made.declare();
    expect(await codeOf(made.declare())).toBe("ORDER");
    expect(await codeOf(end("11".repeat(32)))).toBe("ORDER");
    // A policy without its text stops it; ending it is always possible.
    await made.policy({ emergency: { ...rules, texts: [{ language: "en", text: "Another text." }] } });
    expect(await codeOf(seal("changed"))).toBe("EMERGENCY");
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ emergency: { digest: order, limit: null } });
    expect((await end(order)).why).toBeUndefined();
  });

  it("EMERGENCY: a batch half sealed keeps it open until it is sealed or aborted, and an aborted one has no seals in the record", async () => {
    const order = await made.declare({}, [op1, op2]);
    const batch = await batchOf("half", 5);
    const challenge = await made.box.authorised(batch, op1);
    made.box.hsm.onMoment = (moment) => {
      if (moment === "before-sign") void made.box.box.lockbox.lock("test");
    };
    expect(await codeOf(made.box.seal(batch))).not.toBe("none");
    made.box.hsm.onMoment = () => undefined;
    await made.box.restart();
    await made.box.unlock();
    expect(await codeOf(end(order))).toBe("BUSY");
    await made.box.call("abort", { batchDigest: batch.batchDigest }, await dissent(challenge, "abort", op1));
    expect(await made.box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    const ended = await end(order);
    const p7m = await closingFile(ended.number);
    const { closing } = await readSignedClosing(nodeHost, oids, p7m);
    expect(closing.manifests).toMatchObject([{ number: 1, outcome: "aborted", seals: 0 }]);
    const { emergency, findings } = await verdictOn(1, [p7m]);
    expect(findings).toEqual([]);
    expect(emergency?.closing?.seals).toBe(0);
  });

  it("CLOCK: a clock that is set back in an emergency takes nothing from its bundles or its record", async () => {
    made.box.clocks.offset = 120_000;
    const order = await made.declare();
    await seal("one");
    made.box.clocks.offset = 0;
    const wall = made.box.box.clock.wall();
    const boxTime = utcOf(Date.parse(wall) + 120_000);
    await made.order("set-clock", { accuracySeconds: 1, boxTime, reference: "radio clock", referenceTime: wall });
    await seal("two");
    const p7m = await closingFile((await end(order)).number);
    for (const number of [1, 2]) {
      const { emergency, findings } = await verdictOn(number, [p7m]);
      expect([number, findings, emergency?.closing?.seals]).toEqual([number, [], 4]);
    }
  });

  it("KEY-STATE: while the usual key is out of use an emergency seals; without its own key it does not, and says so", async () => {
    await made.declare();
    const { emergency, sealing } = made.box.box.policies.inForce.policy.keys;
    await made.order("suspend-key", { reason: "In other hands?", spki: base64(sealing) });
    await made.box.unlock();
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ held: null });
    expect(await seal("one", 1)).toMatchObject({ outcome: "sealed" });
    expect(await codeOf(sealUsual("usual"))).toBe("KEY-STATE");
    await made.order("suspend-key", { reason: "This one, too?", spki: base64(emergency as Uint8Array) });
    await made.box.unlock();
    const refused = expect.stringContaining("suspended");
    expect(statusOf(made.box.box, made.box.work)).toMatchObject({ emergency: { limit: null, refused } });
    expect(await codeOf(seal("two", 1))).toBe("KEY-STATE");
  });

  it("PATH-USAGE: a certificate for emergencies and other seals at once is no key's", async () => {
    const both = issue(root, { name: "both", eku: [oids.emergency, oids.sealing] });
    made.box.hsm.others = [both];
    for (const purpose of ["emergency", "sealing"]) {
      const key = issue(root, { name: purpose, eku: [oids.emergency, oids.sealing] });
      const token = { environment: {}, module: "none", uri: made.box.config.token.uri };
      const uri = `pkcs11:object=${purpose}-2;id=%0${purpose.length}`;
      await made.order("stage-key", { kind: "p256", purpose, spki: base64(key.spki), token, uri });
      const certify = made.order("certify-key", { certificates: [base64(key.certificate)], spki: base64(key.spki) });
      expect(await codeOf(certify)).toBe("PATH-USAGE");
    }
  });

  it("CHAIN: an emergency that a row was changed of stops the box", async () => {
    await made.declare();
    await seal("one");
    const { db } = made.box.box;
    db.exec("DROP TRIGGER reservations_unchanged");
    db.exec("UPDATE reservations SET emergency = NULL");
    expect(await codeOf(verifyRecord(made.box.box))).toBe("CHAIN");
  });
});
