/** Nothing is sealed that verifiers would refuse for a certificate's time: theirs is the time of the last approval. */

import { afterEach, describe, expect, it } from "vitest";
import { authorize } from "../../appliance/signer/authorize.ts";
import { issue, makeRoot } from "../pki/authority.ts";
import {
  authorization,
  authorizationAt,
  fromNow,
  listOf,
  makeBatch,
  oids,
  operators,
  policyFor,
  root,
} from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

const none = { sealing: new Uint8Array(0), audit: new Uint8Array(0) };
let box: TestBox;
afterEach(() => box.remove());

describe("the submitter's path", () => {
  it("PATH-TIME: a challenge expires with the submitter's certificate", async () => {
    box = await TestBox.make();
    const notAfter = fromNow(1800);
    const desk = issue(root, { name: "desk", eku: [oids.submitter], notAfter });
    expect((await box.challenge(await makeBatch(listOf(2, "a"), {}, desk))).expires).toBe(notAfter);
  });

  it("PATH-TIME: a challenge expires with the first certificate of the submitter's path that does", async () => {
    const notAfter = fromNow(1800);
    const short = makeRoot({ name: "Short root", notAfter });
    box = await TestBox.make({ submitters: { plainEnvelopes: false, roots: [short.certificate] } });
    const desk = issue(short, { name: "desk", eku: [oids.submitter] });
    const batch = await makeBatch(listOf(2, "a"), {}, desk);
    expect((await box.challenge(batch)).expires).toBe(notAfter);
  });

  it("PATH-TIME: a request wrapped anew with a longer certificate does not lengthen the batch that is open here", async () => {
    box = await TestBox.make({ limits: { ...policyFor(none).limits, approvalSeconds: 600 } });
    const notAfter = fromNow(1800);
    const desk = issue(root, { name: "desk", eku: [oids.submitter], notAfter });
    const head = { expires: fromNow(86_400) };
    const batch = await makeBatch(listOf(2, "a"), head, desk);
    await box.challenge(batch);
    box.clocks.offset += 1_500_000;
    const renewed = issue(root, { name: "desk", eku: [oids.submitter], key: desk.key });
    const again = await makeBatch(listOf(2, "a"), head, renewed);
    expect(again.batchDigest).toBe(batch.batchDigest);
    expect((await box.challenge(again)).expires).toBe(notAfter);
    box.clocks.offset += 600_000;
    expect(await codeOf(box.submit(again))).toBe("PATH-TIME");
  });

  it("PATH-TIME: approvals that claim a time before the submitter's certificate count for nothing", async () => {
    box = await TestBox.make();
    const desk = issue(root, { name: "desk", eku: [oids.submitter], notBefore: fromNow(-60) });
    const batch = await makeBatch(listOf(2, "a"), {}, desk);
    const early = await authorizationAt(fromNow(-3600), await box.challenge(batch), operators.op1, operators.op2);
    expect(await codeOf(authorize(box.box, batch.batchDigest, early))).toBe("PATH-TIME");
    await box.authorised(batch);
  });
});

describe("an approver's certificate", () => {
  it("PATH-TIME: one that expired while the batch waited: a new challenge, approved afresh, is sealed", async () => {
    const shortLived = issue(root, { name: "op3", eku: [oids.operator], notAfter: fromNow(600) });
    const people = policyFor(none).people.map((person) =>
      person.id === "op3" ? { ...person, certificates: [...person.certificates, shortLived.certificate] } : person,
    );
    box = await TestBox.make({ people });
    await box.unlock();
    const batch = await makeBatch(listOf(2, "a"));
    const first = await box.authorised(batch, operators.op1, shortLived);
    expect((await box.challenge(batch)).nonce).toBe(first.nonce);
    box.clocks.offset += 1_200_000;
    expect(await codeOf(box.seal(batch))).toBe("PATH-TIME");
    const second = await box.challenge(batch);
    expect(second.nonce).not.toBe(first.nonce);
    const p7m = await authorization(second, operators.op1, operators.op2);
    expect(await authorize(box.box, batch.batchDigest, p7m)).toBe("authorized");
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
  });
});
