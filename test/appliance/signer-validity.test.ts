/** Nothing is sealed that verifiers would refuse for a certificate's time: theirs is the time of the last approval. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { authorize, orderAbort } from "../../appliance/signer/authorize.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { fingerprint, issue, makeRoot } from "../pki/authority.ts";
import {
  authorization,
  authorizationAt,
  dissent,
  fromNow,
  listOf,
  makeBatch,
  oids,
  operators,
  policyFor,
  root,
} from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

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

describe("the box's certificates", () => {
  const trust = () => ({ roots: [root.certificate], genesis: box.config.genesis });
  const findingsOf = async (number: number) => {
    const { findings } = await verifyBundle(
      nodeHost,
      memorySource({ files: new Map(await filesOf(box, number)) }),
      trust(),
    );
    return findings.map(({ code, file }) => [code, file]);
  };

  /** A new certificate for a key of the box, put in the place of the old one. */
  function renew(name: "sealing" | "audit"): Uint8Array {
    const { key } = box.hsm.keys[name];
    const { certificate } = issue(root, { name, eku: [oids[name]], key });
    writeFileSync(join(box.folder, `${name}.der`), certificate);
    return certificate;
  }

  /** A batch of 400 that was stopped in the middle by the end of a certificate's time. */
  async function stopped(name: "sealing" | "audit") {
    box = await TestBox.make({}, { [name]: { notAfter: fromNow(600) } });
    await box.unlock();
    const batch = await makeBatch(listOf(400, "a"));
    const challenge = await box.authorised(batch);
    const sealing = box.seal(batch, (done) => {
      if (done === 64) box.clocks.offset += 1_200_000;
    });
    expect(await codeOf(sealing)).toBe("PATH-TIME");
    expect(await codeOf(box.seal(batch))).toBe("PATH-TIME");
    return { batch, challenge };
  }

  it.each(["sealing", "audit"] as const)(
    "PATH-TIME: no number is reserved while any certificate in the %s key's chain is not valid",
    async (name) => {
      box = await TestBox.make();
      const ended = join(box.folder, "ended.der");
      writeFileSync(ended, makeRoot({ name: "Issuer", notAfter: fromNow(-60) }).certificate);
      (box.config.keys[name].certificates as string[]).push(ended);
      await box.restart();
      await box.unlock();
      const batch = await makeBatch(listOf(2, "a"));
      await box.authorised(batch);
      expect(await codeOf(box.seal(batch))).toBe("PATH-TIME");
      expect(box.box.batches.number(box.box.batches.find(batch.batchDigest))).toBe(null);
      expect(box.hsm.sealed).toEqual([]);
    },
  );

  it("PATH-TIME: a sealing certificate that ends in the middle stops between chunks; under a renewed one the batch is finished", async () => {
    const { batch } = await stopped("sealing");
    const stored = box.box.batches.progress(box.box.batches.find(batch.batchDigest)).done;
    expect(stored).toBeGreaterThanOrEqual(64);
    expect(stored).toBeLessThan(400);
    const certificate = renew("sealing");
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(manifestIn(await filesOf(box, 1)).keys.sealing.certificate).toBe(fingerprint(certificate));
    expect(await findingsOf(1)).toEqual([]);
  });

  it("PATH-TIME: an audit certificate that ends in the middle signs no manifest; a renewed one does", async () => {
    const { batch } = await stopped("audit");
    const certificate = renew("audit");
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(manifestIn(await filesOf(box, 1)).keys.audit.certificate).toBe(fingerprint(certificate));
    expect(await findingsOf(1)).toEqual([]);
  });

  it("ABORTED: an abort of a batch whose sealing certificate ended is told under a renewed one", async () => {
    const { batch, challenge } = await stopped("sealing");
    await orderAbort(box.box, batch.batchDigest, await dissent(challenge, "abort", operators.op3));
    expect(await codeOf(box.seal(batch))).toBe("PATH-TIME");
    renew("sealing");
    await box.restart();
    await box.unlock();
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "aborted" });
    expect(await findingsOf(1)).toEqual([]);
  });
});
