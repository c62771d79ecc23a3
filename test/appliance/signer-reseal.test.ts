/** SEAL-ONCE and its one exception: the re-sealing list of a compromise. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { checkResealed, madeBy } from "../../appliance/signer/reseal.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { base64, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { OrderKind } from "../../manifests/records/order.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { orderOf } from "./signer/order-of.ts";
import {
  following,
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
let old: { readonly spki: Uint8Array };
let next: Issued;
let batch: MadeBatch;
const reason = "the token lay open";
const documents = listOf(3, "x");

beforeEach(async () => {
  box = await TestBox.make();
  next = issue(root, { name: "sealing 2", eku: [oids.sealing] });
  box.hsm.others = [next];
  old = { spki: box.box.keys.sealing.spki };
  await box.unlock();
  batch = await makeBatch(documents, { batch: "a" });
  await seal(batch);
});
afterEach(() => box.remove());

const order = async (kind: OrderKind, what: Json, by?: readonly Issued[]) =>
  takeOrder(box.box, await orderOf(box, kind, what, by));

async function seal(one: MadeBatch): Promise<void> {
  await box.authorised(one);
  await box.seal(one);
}

/** Another sealing key is in force, and the one before was revoked. */
async function replaced(since: string | null = null, revocation = "keyCompromise"): Promise<void> {
  const token = { environment: {}, module: "none", uri: box.config.token.uri };
  const uri = "pkcs11:object=sealing-2;id=%02";
  await order("stage-key", { kind: "p256", purpose: "sealing", spki: base64(next.spki), token, uri });
  await order("certify-key", { certificates: [base64(next.certificate)], spki: base64(next.spki) });
  const { policy } = box.box.policies.inForce;
  const changed = following(policy, { keys: { audit: policy.keys.audit, sealing: next.spki } });
  await importPolicy(box.box, await signPolicy(changed, ["op1", "op2"]));
  await box.unlock();
  await order("revoke-key", { reason, revocation, since, spki: base64(old.spki) });
}

const list = (manifests: readonly number[], change: { readonly [name: string]: Json } = {}) =>
  ({ key: base64(old.spki), manifests: [...manifests], reason, since: null, ...change }) as Json;

const asked = async (
  manifests: readonly number[],
  change: { readonly [name: string]: Json } = {},
  by?: readonly Issued[],
) => codeOf(order("reseal", list(manifests, change), by));

describe("a re-sealing list", () => {
  it("SEAL-ONCE: what it lists is sealed once more by the key in force, after a new approval; then its new receipt comes again", async () => {
    await replaced();
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 1 });
    expect(await asked([1])).toBe("none");
    const first = await filesOf(box, 1);
    expect((await box.submit(batch)).outcome).toBe("challenge");
    expect(await codeOf(box.seal(batch))).toBe("QUORUM");
    await seal(batch);
    const second = manifestIn(await filesOf(box, 2));
    expect(second.keys.sealing.key).toBe(hex(sha256(next.spki)));
    expect(second.documents.earlier.map(({ earlierNumber, index }) => [earlierNumber, index])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 2 });
    expect([...(await filesOf(box, 1))]).toEqual([...first]);
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 2 });
    await box.restart();
    expect(box.box.fault).toBeUndefined();
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 2 });
    await box.unlock();
    expect(await asked([1])).toBe("ORDER");
    expect(await asked([2])).toBe("ORDER");
  });

  it("SEAL-ONCE: a new request over the same batch id and documents is the same batch, and takes the one second seal", async () => {
    await replaced();
    await asked([1]);
    const anew = await makeBatch(documents, { batch: "a", expires: fromNow(100_000) });
    await seal(anew);
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 2 });
    expect(await box.seal(batch)).toMatchObject({ number: 1 });
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 2 });
  });

  it("SEAL-ONCE: approvals from before the compromise permit no second seal: the policy with the next key voids them", async () => {
    const one = await makeBatch(documents, { batch: "b" });
    const other = await makeBatch(documents, { batch: "b", expires: fromNow(100_000) });
    await box.authorised(one);
    await box.authorised(other);
    expect(await box.seal(one)).toMatchObject({ number: 2 });
    await replaced();
    expect(await asked([2])).toBe("none");
    expect(await codeOf(box.seal(other))).toBe("POLICY-DIGEST");
    await seal(other);
    expect(await box.submit(one)).toMatchObject({ outcome: "already", number: 3 });
  });

  it("SEAL-ONCE: a kill in between seals it once; two submissions are one batch", async () => {
    await replaced();
    await asked([1]);
    await box.submit(batch, "one");
    await box.submit(batch, "two");
    await box.authorised(batch);
    box.hsm.onMoment = (moment) => {
      if (moment === "after-sign") throw new Error("killed");
    };
    await expect(box.seal(batch)).rejects.toThrow();
    box.hsm.onMoment = () => undefined;
    await box.restart();
    await box.unlock();
    await box.seal(batch);
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 2 });
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 2 });
  });

  it("KEY-STATE: only for a key that was revoked for compromise, since that very time", async () => {
    expect(await asked([1])).toBe("KEY-STATE");
    await replaced(null, "superseded");
    expect(await asked([1])).toBe("KEY-STATE");
  });

  it("KEY-STATE: that it was in other hands may come out later, and earlier than was thought; what fell never stands again", async () => {
    await replaced(null, "superseded");
    const revoke = (since: string | null) =>
      codeOf(order("revoke-key", { reason, revocation: "keyCompromise", since, spki: base64(old.spki) }));
    expect(await revoke(fromNow(-60))).toBe("none");
    expect(await revoke(fromNow(-30))).toBe("ORDER");
    expect(await asked([1])).toBe("KEY-STATE");
    expect(await revoke(null)).toBe("none");
    expect(await revoke(fromNow(-60))).toBe("ORDER");
    await order("destroy-key", { reason, spki: base64(old.spki) });
    expect(await asked([1])).toBe("none");
    await box.restart();
    expect(box.box.orders.standing.marks.map(({ state }) => state)).toEqual(["destroyed"]);
  });

  it("ORDER: only numbers that are there, sealed, by that key, since then, once, in their order; and by a quorum", async () => {
    const other = await makeBatch(listOf(1, "b"), { batch: "b" });
    await seal(other);
    const since = fromNow(-3600);
    await replaced(since);
    await seal(await makeBatch(listOf(1, "c"), { batch: "c" }));
    expect(await asked([1], { since: null })).toBe("KEY-STATE");
    expect(await asked([1, 2], { since }, [operators.op1])).toBe("QUORUM");
    for (const wrong of [[2, 1], [1, 1], [3], [4]])
      expect([wrong, await asked(wrong, { since })]).toEqual([wrong, "ORDER"]);
    expect(await asked([1, 2], { since })).toBe("none");
  });

  it("ORDER: what was made before the key was in other hands stands", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const since = fromNow(0);
    await replaced(since);
    expect(await asked([1], { since })).toBe("ORDER");
  });

  it("CHAIN: a batch that was sealed twice without a list is found", async () => {
    await replaced();
    await asked([1]);
    await seal(batch);
    const { db } = box.box;
    expect(await codeOf(verifyRecord(box.box))).toBe("none");
    db.exec(
      "PRAGMA foreign_keys = OFF; DROP TRIGGER register_unchanged; UPDATE register SET number = 0 WHERE number = 1",
    );
    expect(() => checkResealed(db)).toThrow("what manifest 0 sealed was sealed again, and no order permits it");
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
  });

  it("the rows of a key name what it sealed and what it signed", async () => {
    const audit = hex(sha256(box.box.keys.audit.spki));
    await replaced();
    await seal(await makeBatch(listOf(1, "c"), { batch: "c" }));
    const rows = (key: string) => [...madeBy(box.box, key)].map((row) => row as { readonly [name: string]: Json });
    expect(rows(hex(sha256(old.spki)))).toMatchObject([
      { number: 1, sealing: true, audit: false, batch: "a", sealed: 3 },
    ]);
    expect(rows(audit).map(({ number, audit: signed }) => [number, signed])).toEqual([
      [1, true],
      [2, true],
    ]);
  });
});
