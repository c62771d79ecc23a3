/** INTENT-FIRST of the box's own time-stamp: one token a sealed batch under its manifest's number, whatever fails on the way. OpenSSL accepts it; nobody takes it for a proof. */

import { rmSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { orderAbort } from "../../appliance/signer/authorize.ts";
import { readEvidence } from "../../appliance/signer/recover/evidence.ts";
import { recoverBox, surveyBox } from "../../appliance/signer/recover/recover-box.ts";
import { stageRevocation } from "../../appliance/signer/stage-revocation.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { infoIn } from "../../manifests/time/token.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import type { Wanted } from "../pki/authority.ts";
import { makeCrl } from "../pki/crl.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { opensslSays } from "./signer/openssl-ts.ts";
import { orderOf } from "./signer/order-of.ts";
import {
  dissent,
  fromNow,
  listOf,
  type MadeBatch,
  makeBatch,
  oids,
  operators,
  root,
  signPolicy,
} from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
afterEach(() => box?.remove());

async function boxWith(time: Partial<Wanted> | undefined = {}, change: Partial<Policy> = {}): Promise<void> {
  box = await TestBox.make(change, time ? { time } : {});
  await box.unlock();
}

async function authorised(count = 3): Promise<MadeBatch> {
  const batch = await makeBatch(listOf(count, "a"));
  await box.authorised(batch);
  return batch;
}

const trust = () => ({ roots: [root.certificate], genesis: box.config.genesis });
const file = "local-time.tst";

describe("the box's own time-stamp", () => {
  it("INTENT-FIRST: a sealed batch gets one, over its tree, under its number; OpenSSL accepts it, the verifier calls it local", async () => {
    await boxWith();
    expect(await box.seal(await authorised())).toEqual({ number: 1, outcome: "sealed" });
    const files = new Map(await filesOf(box, 1));
    const token = files.get(file) as Uint8Array;
    const { documents, labels, time } = manifestIn(files);
    expect(time).toEqual({
      certificate: hex(sha256(box.hsm.keys.time?.certificate as Uint8Array)),
      file: hex(sha256(token)),
      key: hex(sha256(box.hsm.keys.time?.spki as Uint8Array)),
    });
    expect(labels.time).toBe("local, not anchored");
    const info = infoIn(token);
    expect(info).toMatchObject({ accuracy: 2000, authority: undefined, nonce: undefined, policy: oids.localTime });
    expect([...info.serial]).toEqual([1]);
    expect(opensslSays(token, documents.root)).toContain("Verification: OK");
    const verdict = await verifyBundle(nodeHost, memorySource({ files }), {
      ...trust(),
      authorities: [root.certificate],
    });
    expect(verdict.findings).toEqual([]);
    expect(verdict).toMatchObject({ localTime: { accuracySeconds: 2, time: info.time }, provenTime: null, times: [] });
    const second = await makeBatch(listOf(2, "b"), { batch: "second" });
    await box.authorised(second);
    await box.seal(second);
    expect([...infoIn((await filesOf(box, 2)).get(file) as Uint8Array).serial]).toEqual([2]);
  });

  it("a box whose policy names no key for it stamps nothing", async () => {
    await boxWith(undefined);
    box = await TestBox.make();
    await box.unlock();
    await box.seal(await authorised());
    const files = await filesOf(box, 1);
    expect(files.has(file)).toBe(false);
    expect(manifestIn(files).time).toBeUndefined();
  });

  it.each([
    ["sign time", "before"],
    ["sign time", "after"],
    ["sign audit", "before"],
    ["sign audit", "after"],
  ] as const)(
    "INTENT-FIRST: killed at `%s`, %s it was done: the same TSTInfo again, and one token",
    async (name, when) => {
      await boxWith();
      const batch = await authorised();
      box.hsm.around = async (called, act) => {
        if (called !== name) return act();
        box.hsm.around = async (_, later) => later();
        if (when === "after") await act();
        box.kill();
        throw new Error("killed");
      };
      await expect(box.seal(batch)).rejects.toThrow();
      box.clocks.offset += 5_000;
      await box.open();
      expect(box.box.fault).toBeUndefined();
      await box.unlock();
      expect(await box.seal(batch)).toMatchObject({ outcome: "sealed" });
      expect(new Set(box.hsm.stamped.map(hex)).size).toBe(1);
      const files = new Map(await filesOf(box, 1));
      expect((await verifyBundle(nodeHost, memorySource({ files }), trust())).findings).toEqual([]);
    },
  );

  it("INTENT-FIRST: a stored intent that was changed is not signed", async () => {
    await boxWith();
    const batch = await authorised();
    box.hsm.around = async (called, act) => {
      if (called === "sign time") throw new Error("a fault");
      return act();
    };
    await expect(box.seal(batch)).rejects.toThrow();
    box.box.db.exec("DROP TRIGGER time_intents_unchanged");
    const { info } = box.box.db.prepare<[], { info: Uint8Array }>("SELECT info FROM time_intents").get() as {
      info: Uint8Array;
    };
    const later = Buffer.from(
      Buffer.from(info)
        .toString("latin1")
        .replace(/(\d{14})Z/, "20310101000000Z"),
      "latin1",
    );
    box.box.db.prepare("UPDATE time_intents SET info = ?").run(later);
    box.hsm.around = async (_, act) => act();
    expect(box.box.lockbox.unlocked).toBe(true);
    expect(await codeOf(box.seal(batch))).toBe("INTENT-FIRST");
    expect(box.hsm.stamped).toEqual([]);
  });

  it("HSM-SIGNATURE: a garbage signature counts for nothing; after unlock the same bytes are signed", async () => {
    await boxWith();
    const batch = await authorised();
    box.hsm.spoil = (key, signature) =>
      key === "time" ? signature.map((octet, at) => (at === 12 ? octet ^ 1 : octet)) : signature;
    expect(await codeOf(box.seal(batch))).toBe("HSM-SIGNATURE");
    expect(box.box.db.prepare("SELECT count(*) FROM time_stamps").pluck().get()).toBe(0);
    box.hsm.spoil = (_, signature) => signature;
    await box.unlock();
    expect(await box.seal(batch)).toMatchObject({ outcome: "sealed" });
    expect(new Set(box.hsm.stamped.map(hex)).size).toBe(1);
  });

  it("HONEST: a batch that is aborted after its stamp has none in manifest and receipt", async () => {
    await boxWith();
    const batch = await authorised();
    const order = await dissent(await box.challenge(batch), "abort", operators.op3, "wrong");
    box.hsm.around = async (called, act) => {
      if (called === "sign audit") {
        box.hsm.around = async (_, later) => later();
        await orderAbort(box.box, batch.batchDigest, order);
      }
      return act();
    };
    expect(await box.seal(batch)).toMatchObject({ outcome: "aborted" });
    expect(box.hsm.stamped).toHaveLength(1);
    const files = new Map(await filesOf(box, 1));
    expect(files.has(file)).toBe(false);
    expect((await verifyBundle(nodeHost, memorySource({ files }), trust())).findings).toEqual([]);
    await box.restart();
    expect(box.box.fault).toBeUndefined();
  });

  it("KEY-STATE: while its key is suspended nothing is begun, and no number is used", async () => {
    await boxWith();
    const batch = await authorised();
    const spki = Buffer.from(box.hsm.keys.time?.spki as Uint8Array).toString("base64");
    await takeOrder(box.box, await orderOf(box, "suspend-key", { reason: "a doubt", spki }));
    await box.unlock();
    expect(await codeOf(box.seal(batch))).toBe("KEY-STATE");
    expect(JSON.stringify(statusOf(box.box, box.work))).toContain("KEY-STATE");
    expect(box.hsm.sealed).toEqual([]);
    expect(box.box.db.prepare("SELECT count(*) FROM reservations").pluck().get()).toBe(0);
  });

  it("PATH-TIME: while its certificate has ended nothing is begun", async () => {
    await boxWith({ notAfter: fromNow(60) });
    const batch = await authorised();
    box.clocks.offset += 120_000;
    expect(await codeOf(box.seal(batch))).toBe("PATH-TIME");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("CLOCK: a clock that may be off by more than a day stamps nothing, whatever the policy allows", async () => {
    await boxWith({}, { clock: { driftPpm: 1000, maximumErrorSeconds: 1_000_000 } });
    const { clock } = box.box.facts;
    Object.assign(clock, { errorSeconds: 90_000 });
    expect(await codeOf(box.seal(await authorised()))).toBe("CLOCK");
    expect(box.hsm.sealed).toEqual([]);
  });

  it.each([
    ["an extended key usage that is not critical", { extensions: [], eku: [oid.timeStamping] }],
    ["another extended key usage beside it", { extensions: [], eku: [oid.timeStamping, oids.audit] }],
    ["another extended key usage", { extensions: [], eku: [oids.audit] }],
  ])("PATH-USAGE: its certificate is refused with %s", async (_, time) => {
    expect(
      await codeOf(
        TestBox.make({}, { time }).then((made) => {
          box = made;
        }),
      ),
    ).toBe("PATH-USAGE");
  });

  it("CHAIN: a box that is made anew gives the receipt with stamp and revocation data again, byte for byte, and without it says that it is not whole", async () => {
    const revocation = { maximumAgeSeconds: 86_400, roots: [root.certificate], stale: "refuse" } as const;
    await boxWith({}, { revocation });
    await stageRevocation(box.box, "crl", makeCrl(root, { thisUpdate: fromNow(-60), nextUpdate: fromNow(86_400) }));
    const batch = await authorised();
    await box.seal(batch);
    const first = await filesOf(box, 1);
    const policy = await signPolicy(box.policy, ["op1", "op2", "op3"]);
    const kept = new Map([["policies/policy-0001.p7m", policy]]);
    for (const [path, bytes] of first) kept.set(`manifests/000001/${path}`, bytes);
    const evidence = (without?: string) => {
      const files = new Map([...kept].filter(([path]) => path !== without));
      return readEvidence(nodeHost, memorySource({ files }), box.config);
    };
    expect((await evidence()).manifests[0]?.whole).toBe(true);
    for (const missing of [file, "revocation/0001.crl"])
      expect((await evidence(`manifests/000001/${missing}`)).manifests[0]?.whole).toBe(false);
    box.kill();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${box.config.state}/store.db${suffix}`, { force: true });
    const what = await surveyBox(box.parts(), await evidence(), { beyond: 0, reason: "water" }, utf8(rightPin));
    const order = await orderOf(box, "recover", what as Json, undefined, { number: 1, previous: null });
    await recoverBox(box.parts(), await evidence(), order, utf8(rightPin));
    await box.open();
    expect([...(await filesOf(box, 1))].sort()).toEqual([...first].sort());
  });
});
