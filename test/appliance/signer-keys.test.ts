import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { orderAbort } from "../../appliance/signer/authorize.ts";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { statusOf } from "../../appliance/signer/status.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { verifyManifests } from "../../appliance/signer/verify-manifests.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { base64, equal, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { manifestBytes } from "../../manifests/records/manifest.ts";
import type { OrderKind } from "../../manifests/records/order.ts";
import { verifyStatement } from "../../manifests/records/statement.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { orderOf } from "./signer/order-of.ts";
import { dissent, following, fromNow, listOf, makeBatch, oids, operators, root, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

let box: TestBox;
let next: Issued;
let nextAudit: Issued;
const reason = "a test";

beforeEach(async () => {
  box = await TestBox.make();
  next = issue(root, { name: "sealing 2", eku: [oids.sealing] });
  nextAudit = issue(root, { name: "audit 2", eku: [oids.audit] });
  box.hsm.others = [next, nextAudit];
  await box.unlock();
});
afterEach(() => box.remove());

const order = async (kind: OrderKind, what: Json, by?: readonly Issued[]) =>
  takeOrder(box.box, await orderOf(box, kind, what, by));

const stage = (key: Issued, purpose: "audit" | "sealing", change: { readonly [name: string]: Json } = {}) =>
  order("stage-key", {
    kind: "p256",
    purpose,
    spki: base64(key.spki),
    token: { environment: {}, module: "none", uri: box.config.token.uri },
    uri: `pkcs11:object=${purpose}-2;id=%02`,
    ...change,
  });
const certify = (key: Issued, certificate = key.certificate) =>
  order("certify-key", { certificates: [base64(certificate)], spki: base64(key.spki) });
const about = (key: Pick<Issued, "spki">) => ({ reason, spki: base64(key.spki) });

const activate = async (keys: { readonly audit?: Issued; readonly sealing?: Issued }) => {
  const { policy } = box.box.policies.inForce;
  const { audit = { spki: policy.keys.audit }, sealing = { spki: policy.keys.sealing } } = keys;
  const changed = following(policy, { keys: { audit: audit.spki, sealing: sealing.spki } });
  return importPolicy(box.box, await signPolicy(changed, ["op1", "op2"]));
};

/** A batch of 100 whose 64 first documents are sealed when the box locks. */
async function halfSealed() {
  const batch = await makeBatch(listOf(100, "half"), { batch: "half" });
  const challenge = await box.authorised(batch);
  const cut = box.seal(batch, (done) => {
    if (done === 64) void box.box.lockbox.lock("test");
  });
  expect(await codeOf(cut)).toBe("LOCKED");
  return { batch, challenge };
}

async function sealOne(name: string) {
  const batch = await makeBatch(listOf(2, name), { batch: name });
  await box.authorised(batch);
  return box.seal(batch);
}

/** Against the root and the genesis digest, as an auditor would. */
function verdictOn(files: ReadonlyMap<string, Uint8Array>) {
  const trust = { roots: [root.certificate], genesis: box.config.genesis };
  return verifyBundle(nodeHost, memorySource({ files: new Map(files) }), trust);
}

async function everyBundleVerifies(): Promise<void> {
  for (const number of [1, 2]) {
    const { ok, findings } = await verdictOn(await filesOf(box, number));
    expect([number, ok, findings]).toEqual([number, true, []]);
  }
}

describe("keys from staged to destroyed", () => {
  it("KEY-STATE: a staged key seals nothing until a quorum activates it by a policy; then the one before does not", async () => {
    await sealOne("before");
    expect(await codeOf(activate({ sealing: next }))).toBe("HSM-KEY");
    await stage(next, "sealing");
    expect(await codeOf(activate({ sealing: next }))).toBe("CONFIG");
    await certify(next);
    expect(statusOf(box.box, box.work)).toMatchObject({ keys: { staged: [{ purpose: "sealing", state: "ready" }] } });
    expect(await activate({ sealing: next })).toBe(2);
    expect(box.box.lockbox.unlocked).toBe(false);
    await box.unlock();
    await sealOne("after");
    const [first, second] = [manifestIn(await filesOf(box, 1)), manifestIn(await filesOf(box, 2))];
    expect(first.keys.sealing.key).not.toBe(second.keys.sealing.key);
    expect(second.keys.audit).toEqual(first.keys.audit);
    await everyBundleVerifies();
    await box.restart();
    expect(equal(box.box.keys.sealing.spki, next.spki)).toBe(true);
    await box.unlock();
    expect(await verifyManifests(nodeHost, box.box.db)).toBe(2);
  });

  it("CHAIN: the audit key changes across the chain without breaking it", async () => {
    await sealOne("before");
    await stage(nextAudit, "audit");
    await certify(nextAudit);
    await activate({ audit: nextAudit });
    await box.unlock();
    await sealOne("after");
    const [first, second] = [manifestIn(await filesOf(box, 1)), manifestIn(await filesOf(box, 2))];
    expect(second.keys.audit.key).not.toBe(first.keys.audit.key);
    expect(second.number).toBe(2);
    await everyBundleVerifies();
    expect(await verifyManifests(nodeHost, box.box.db)).toBe(2);
    await box.restart();
    expect(box.box.fault).toBeUndefined();
    await box.unlock();
    expect(await sealOne("third")).toMatchObject({ number: 3 });
  });

  it("POLICY-EARLY: a policy that was signed ahead comes into force from its date on, and only when somebody brings it", async () => {
    await stage(next, "sealing");
    await certify(next);
    const { policy } = box.box.policies.inForce;
    const keys = { audit: policy.keys.audit, sealing: next.spki };
    const ahead = await signPolicy(following(policy, { keys, notBefore: fromNow(3600) }), ["op1", "op2"]);
    await expect(importPolicy(box.box, ahead)).rejects.toMatchObject({ code: "POLICY-EARLY", expected: /^from / });
    expect(await sealOne("a")).toMatchObject({ number: 1 });
    box.clocks.offset = 3_601_000;
    await box.restart();
    await box.unlock();
    expect(await sealOne("b")).toMatchObject({ number: 2 });
    expect(manifestIn(await filesOf(box, 2)).policy.number).toBe(1);
    expect(await importPolicy(box.box, ahead)).toBe(2);
    await box.unlock();
    expect(await sealOne("c")).toMatchObject({ number: 3 });
    const { ok, findings } = await verdictOn(await filesOf(box, 3));
    expect([ok, findings]).toEqual([true, []]);
  });

  it("KEY-STATE: a suspended key seals nothing at once; a quorum resumes it; a revoked one is out of use for ever", async () => {
    const sealing = box.box.keys.sealing;
    await order("suspend-key", about(sealing), [operators.op1]);
    expect(box.box.lockbox.unlocked).toBe(false);
    await box.unlock();
    expect(await codeOf(sealOne("a"))).toBe("KEY-STATE");
    await order("resume-key", about(sealing));
    await sealOne("b");
    await order("revoke-key", { ...about(sealing), revocation: "keyCompromise", since: fromNow(-3600) });
    await box.unlock();
    expect(await codeOf(sealOne("c"))).toBe("KEY-STATE");
    expect(await codeOf(order("resume-key", about(sealing)))).toBe("ORDER");
    expect(await codeOf(order("suspend-key", about(sealing), [operators.op1]))).toBe("KEY-STATE");
    expect(await codeOf(certify(sealing as unknown as Issued, sealing.certificate))).toBe("KEY-STATE");
    await box.restart();
    await box.unlock();
    expect(await codeOf(sealOne("d"))).toBe("KEY-STATE");
  });

  it("KEY-STATE: a batch that a revoked key left half sealed ends by an abort, and then another key comes into force", async () => {
    await stage(next, "sealing");
    await certify(next);
    const { batch, challenge } = await halfSealed();
    await order("revoke-key", { ...about(box.box.keys.sealing), revocation: "keyCompromise", since: null });
    await box.unlock();
    expect(await codeOf(box.seal(batch))).toBe("KEY-STATE");
    expect(await codeOf(activate({ sealing: next }))).toBe("BUSY");
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op3));
    const signed = box.hsm.sealed.length;
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    expect(box.hsm.sealed.length).toBe(signed);
    await activate({ sealing: next });
    await box.unlock();
    expect(await sealOne("a")).toMatchObject({ number: 2 });
  });

  it("KEY-STATE: a revoked audit key signs nothing more, not even a refusal; another one is activated without it", async () => {
    await stage(nextAudit, "audit");
    await certify(nextAudit);
    const revoked = { ...about(box.box.keys.audit), revocation: "keyCompromise", since: null };
    expect((await order("revoke-key", revoked)).statement).toBeUndefined();
    await box.unlock();
    const refused = await box.call("refuse", {
      batchDigest: null,
      code: "MEDIA-LIMIT",
      folder: "x",
      message: "too large",
      reported: {},
    });
    expect(refused.result).toEqual({ signed: false });
    await activate({ audit: nextAudit });
    await box.unlock();
    expect(await sealOne("a")).toMatchObject({ number: 1 });
  });

  it("KEY-STATE: a batch that a revoked audit key left unfinished is aborted under the next policy, and told of by its audit key", async () => {
    await stage(nextAudit, "audit");
    await certify(nextAudit);
    const { batch, challenge } = await halfSealed();
    const oldAudit = box.box.keys.audit;
    await order("revoke-key", { ...about(oldAudit), revocation: "keyCompromise", since: null });
    await box.unlock();
    expect(await codeOf(activate({ audit: nextAudit }))).toBe("BUSY");
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op3));
    expect(await codeOf(box.seal(batch))).toBe("KEY-STATE");
    await activate({ audit: nextAudit });
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    const told = manifestIn(await filesOf(box, 1));
    expect(told.policy).toMatchObject({ approvedUnder: { digest: challenge.policyDigest, number: 1 }, number: 2 });
    expect(told.keys.audit.key).not.toBe(hex(oldAudit.keyDigest));
    expect(await sealOne("a")).toMatchObject({ number: 2 });
    await everyBundleVerifies();
    await box.restart();
    expect(await verifyManifests(nodeHost, box.box.db)).toBe(2);
    expect(box.box.fault).toBeUndefined();
  });

  it("HSM-KEY: a batch that a lost token left unfinished is aborted on the second token, and its manifest says which token sealed", async () => {
    const second = { token: { environment: {}, module: "none", uri: "pkcs11:serial=0002" } };
    await stage(next, "sealing", second);
    await stage(nextAudit, "audit", second);
    await certify(next);
    await certify(nextAudit);
    const { batch, challenge } = await halfSealed();
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op3));
    await activate({ audit: nextAudit, sealing: next });
    Object.assign(box.hsm, { serial: "0002" });
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    expect(manifestIn(await filesOf(box, 1)).keys.sealing.token).toBe("f4ke");
    await sealOne("a");
    expect(manifestIn(await filesOf(box, 2)).keys.sealing.token).toBe("0002");
    await everyBundleVerifies();
  });

  it("T12: what an aborted batch was approved under is looked up in the policies, not believed", async () => {
    await stage(nextAudit, "audit");
    await certify(nextAudit);
    const { batch, challenge } = await halfSealed();
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op3));
    await activate({ audit: nextAudit });
    await box.unlock();
    await box.seal(batch);
    const files = await filesOf(box, 1);
    const right = manifestIn(files);
    const { approvedUnder, ...inForce } = right.policy;
    if (!approvedUnder) throw new Error("no earlier policy is named");
    for (const [policy, expected] of [
      [inForce, "authorization.p7m POLICY-DIGEST"],
      [{ ...inForce, approvedUnder: { ...approvedUnder, digest: "00".repeat(32) } }, "manifest.p7m MANIFEST-BIND"],
      [{ ...inForce, approvedUnder: { ...approvedUnder, number: 2 } }, "manifest.p7m HONEST"],
    ] as const) {
      const lie = await signContent(nodeHost, nextAudit.signingKey, {
        eContentType: oids.manifest,
        content: manifestBytes({ ...right, policy }),
        signingTime: right.created,
      });
      const { findings } = await verdictOn(new Map([...files, ["manifest.p7m", lie]]));
      expect(findings.map(({ file, code }) => `${file} ${code}`)).toContain(expected);
    }
  });

  it("KEY-STATE: only a key that is not in force is destroyed, and the statement says that the token has it no more", async () => {
    const old = box.box.keys.sealing;
    expect(await codeOf(order("destroy-key", about(old)))).toBe("KEY-STATE");
    await stage(next, "sealing");
    await certify(next);
    await activate({ sealing: next });
    await box.unlock();
    const destroy = await orderOf(box, "destroy-key", about(old));
    expect((await takeOrder(box.box, destroy)).why).toBe("the key is still on the token: pkcs11:id=%01");
    expect(await codeOf(activate({ sealing: old as unknown as Issued }))).toBe("KEY-STATE");
    await box.unlock();
    expect(box.box.keysFound).toEqual(["to be destroyed, but still on the token: pkcs11:id=%01"]);
    box.hsm.missing = ["pkcs11:id=%01"];
    const { statement } = await takeOrder(box.box, destroy);
    const stated = await verifyStatement(nodeHost, oids, statement as Uint8Array);
    expect(stated.statement.facts).toMatchObject({ "objects found on the token": "0", reason });
  });

  it("HSM-KEY: a key of another purpose, too weak, another's certificate or usage is not taken", async () => {
    await stage(next, "audit");
    expect(await codeOf(activate({ sealing: next }))).toBe("HSM-KEY");
    expect(await codeOf(certify(next))).toBe("PATH-USAGE");
    expect(await codeOf(certify(next, nextAudit.certificate))).toBe("HSM-KEY");
    expect(await codeOf(stage(next, "audit"))).toBe("ORDER");
    expect(await codeOf(certify(nextAudit))).toBe("ORDER");
    const late = issue(root, {
      name: "late",
      eku: [oids.sealing],
      notBefore: fromNow(86_400),
      notAfter: fromNow(172_800),
    });
    await stage(late, "sealing");
    expect(await codeOf(certify(late))).toBe("PATH-TIME");
  });

  it("HSM-KEY: a key that was made and not recorded, or recorded and not made, is named at the unlock and journalled", async () => {
    await stage(next, "sealing");
    box.hsm.missing = ["pkcs11:object=sealing-2;id=%02"];
    box.hsm.unrecorded = ['private key "sealing-3", id 03'];
    await box.unlock();
    const found = [
      "recorded, but not on the token: pkcs11:object=sealing-2;id=%02",
      'on the token, but not recorded: private key "sealing-3", id 03',
    ];
    expect(statusOf(box.box, box.work)).toMatchObject({ keys: { found } });
    await box.unlock();
    const rows = box.box.journal.rows(1, 1000).filter(({ kind }) => kind === "keys-found");
    expect(rows.map(({ record }) => JSON.parse(record) as unknown)).toEqual([{ found }]);
  });

  it("HSM-KEY: keys of another token come into force only after the signer was started anew, on that token", async () => {
    const second = { token: { environment: {}, module: "none", uri: "pkcs11:serial=0002" } };
    await stage(next, "sealing", second);
    await stage(nextAudit, "audit", second);
    await certify(next);
    await certify(nextAudit);
    expect(await codeOf(activate({ sealing: next }))).toBe("HSM-KEY");
    await activate({ audit: nextAudit, sealing: next });
    expect(box.box.moved).toBe(true);
    expect(await codeOf(box.unlock())).toBe("BUSY");
    // A process that looked for its token before the store said this, as one that starts while a recovery makes the store does.
    await box.restart();
    expect(box.box.moved).toBe(true);
    expect(await codeOf(box.unlock())).toBe("BUSY");
  });
});
