/** CHAIN across the loss of a disk: exports that somebody cut, added to or kept for later make no store that says other things than happened. */

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { readEvidence } from "../../appliance/signer/recover/evidence.ts";
import { recoverBox, surveyBox } from "../../appliance/signer/recover/recover-box.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { verifyRecord } from "../../appliance/signer/verify-record.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { base64, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { OrderKind } from "../../manifests/records/order.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { orderOf, quorum } from "./signer/order-of.ts";
import { following, fromNow, listOf, makeBatch, oids, operators, root, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
let next: Issued;
let kept: Map<string, Uint8Array>;
const reason = "a test";

beforeEach(async () => {
  box = await TestBox.make();
  next = issue(root, { name: "sealing 2", eku: [oids.sealing] });
  box.hsm.others = [next];
  await box.unlock();
  kept = new Map([["policies/policy-0001.p7m", await signPolicy(box.policy, ["op1", "op2", "op3"])]]);
});
afterEach(() => box.remove());

const name = (number: number, digits: number) => String(number).padStart(digits, "0");

async function sealed(id: string): Promise<number> {
  const batch = await makeBatch(listOf(1, id), { batch: id });
  await box.authorised(batch);
  await box.seal(batch);
  const number = box.box.db.prepare<[], number>("SELECT max(number) FROM manifests").pluck().get() as number;
  for (const [path, bytes] of await filesOf(box, number)) kept.set(`manifests/${name(number, 6)}/${path}`, bytes);
  return number;
}

async function ordered(kind: OrderKind, what: Json, by?: readonly Issued[], change = {}): Promise<void> {
  const p7m = await orderOf(box, kind, what, by, change);
  const { number, statement } = await takeOrder(box.box, p7m);
  kept.set(`orders/${name(number, 4)}.p7m`, p7m);
  if (statement) kept.set(`statements/${name(number, 4)}.p7m`, statement);
}

async function policyWith(change: Parameters<typeof following>[1]): Promise<void> {
  const changed = await signPolicy(following(box.box.policies.inForce.policy, change), ["op1", "op2"]);
  const number = await importPolicy(box.box, changed);
  kept.set(`policies/policy-${name(number, 4)}.p7m`, changed);
}

function loseDisk(): void {
  box.kill();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${box.config.state}/store.db${suffix}`, { force: true });
}

const evidence = () => readEvidence(nodeHost, memorySource({ files: kept }), box.config);
const pin = () => utf8(rightPin);
const survey = async () => surveyBox(box.parts(), await evidence(), { beyond: 0, reason }, pin());

async function recovered(): Promise<void> {
  const last = (await evidence()).orders.at(-1);
  const place = { number: (last?.order.number ?? 0) + 1, previous: last ? hex(last.digest) : null };
  const order = await orderOf(box, "recover", (await survey()) as Json, quorum, place);
  await recoverBox(box.parts(), await evidence(), order, pin());
  await box.open();
  await box.unlock();
}

const software = { digest: "11".repeat(32), software: "0.2.0" };

describe("exports of a lost box", () => {
  it("QUORUM: a quorum that a later policy retired orders nothing more, whatever date it writes", async () => {
    const old = { policyDigest: hex(box.box.policies.inForce.digest) };
    await policyWith({ texts: { approval: "another text" } });
    await ordered("approve-software", software);
    const last = box.box.orders.standing.last;
    const place = { ...old, number: 2, previous: last?.digest ?? null };
    kept.set("orders/0002.p7m", await orderOf(box, "suspend", { reason }, [operators.op1], place));
    loseDisk();
    expect(await codeOf(evidence())).toBe("ORDER");
  });

  it("ORDER: what no statement says was taken is named in the record; a re-sealing list without one is refused", async () => {
    await sealed("a");
    kept.set("orders/0001.p7m", await orderOf(box, "approve-software", software));
    loseDisk();
    expect((await survey()).orders).toEqual({ last: 1, unstated: [1] });
    const what = { key: base64(box.policy.keys.sealing), manifests: [1], reason, since: null };
    kept.set("orders/0001.p7m", await orderOf(box, "reseal", what));
    expect(await codeOf(evidence())).toBe("ORDER");
  });

  it("ORDER: a statement whose order was held back is found; what lies between evidence and head is said", async () => {
    await sealed("a");
    await ordered("approve-software", software);
    const unseen = await makeBatch(listOf(1, "b"), { batch: "b" });
    await box.authorised(unseen);
    await box.seal(unseen);
    loseDisk();
    const { journal } = await survey();
    expect(journal.evidence).toBeLessThan(journal.sequence);
    kept.delete("orders/0001.p7m");
    expect(await codeOf(evidence())).toBe("ORDER");
  });

  it("HSM-KEY: a retired audit key signs no manifest under a later policy", async () => {
    await sealed("a");
    const { keys } = box.policy;
    const token = { environment: {}, module: "none", uri: box.config.token.uri };
    const audit = issue(root, { name: "audit 2", eku: [oids.audit] });
    box.hsm.others = [...box.hsm.others, audit];
    const uri = "pkcs11:object=audit-2;id=%02";
    await ordered("stage-key", { kind: "p256", purpose: "audit", spki: base64(audit.spki), token, uri });
    await ordered("certify-key", { certificates: [base64(audit.certificate)], spki: base64(audit.spki) });
    await policyWith({ keys: { audit: audit.spki, sealing: keys.sealing } });
    await box.unlock();
    await sealed("b");
    loseDisk();
    expect((await evidence()).manifests).toHaveLength(2);
    // The first manifest stands under the first policy; taken for the second's, its key is another one.
    const first = kept.get("manifests/000001/manifest.p7m") as Uint8Array;
    kept.set("manifests/000002/manifest.p7m", first);
    expect(await codeOf(evidence())).toBe("CHAIN");
  });

  it("CLOCK: a box whose clock was once set back is recovered by what was recorded since", async () => {
    box.clocks.offset = 600_000;
    await sealed("a");
    box.clocks.offset = 0;
    const referenceTime = fromNow(0);
    const what = { accuracySeconds: 2, boxTime: fromNow(600), reference: "radio clock", referenceTime };
    await ordered("set-clock", what, undefined, { expires: fromNow(600) });
    loseDisk();
    await recovered();
    expect(box.box.fault).toBeUndefined();
  });

  it("SEAL-ONCE: an open re-sealing permission ends with a loss that left numbers unexplained", async () => {
    const old = box.policy.keys.sealing;
    await sealed("a");
    const token = { environment: {}, module: "none", uri: box.config.token.uri };
    const uri = "pkcs11:object=sealing-2;id=%02";
    await ordered("stage-key", { kind: "p256", purpose: "sealing", spki: base64(next.spki), token, uri });
    await ordered("certify-key", { certificates: [base64(next.certificate)], spki: base64(next.spki) });
    await policyWith({ keys: { audit: box.policy.keys.audit, sealing: next.spki } });
    await box.unlock();
    await ordered("revoke-key", { reason, revocation: "keyCompromise", since: null, spki: base64(old) });
    await ordered("reseal", { key: base64(old), manifests: [1], reason, since: null });
    const batch = await makeBatch(listOf(1, "a"), { batch: "a" });
    await box.authorised(batch);
    await box.seal(batch);
    loseDisk();
    // Manifest 2, the second seal, is not at hand.
    await recovered();
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 1 });
    expect(await verifyRecord(box.box)).toMatchObject({ manifests: 1 });
  });

  it("CHAIN: rows by which earlier seals are found cannot be taken out unseen", async () => {
    await sealed("a");
    loseDisk();
    await recovered();
    const { db } = box.box;
    db.exec("DROP TRIGGER recovered_documents_kept; DELETE FROM recovered_documents");
    expect(await codeOf(verifyRecord(box.box))).toBe("CHAIN");
  });
});
