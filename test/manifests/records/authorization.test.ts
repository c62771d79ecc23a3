import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signedData } from "../../../manifests/cms/write.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import {
  verifyApproval,
  verifyAuthorization,
  verifyDissent,
  verifyPastAuthorization,
} from "../../../manifests/records/authorization.ts";
import { type Challenge, challengeBytes, dissentBytes } from "../../../manifests/records/decision.ts";
import { keeper, oids, op1, op2, op3, stranger } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy, times } from "../../bundle/signed.ts";

const policy = makePolicy();
const policyDigest = sha256(policyBytes(policy));
const challenge: Challenge = {
  appliance: "box-1",
  batchDigest: "11".repeat(32),
  bytes: 10,
  count: 2,
  expires: times.expires,
  mode: "test",
  nonce: "5a".repeat(32),
  policyDigest: hex(policyDigest),
  type: "authorization",
  version: 1,
};
const context = { policy, policyDigest, challenge, now: times.sealing };
const content = challengeBytes(challenge);
const full = await signedBy([op1, op2], oids.authorization, content);
const read = readSignedData(full);

/** The same content with other signers or certificates. */
const rebuilt = (changes: {
  certificates?: readonly Uint8Array[];
  signerInfos?: readonly Uint8Array[];
  content?: Uint8Array;
}) =>
  signedData({
    eContentType: oids.authorization,
    content: changes.content ?? content,
    certificates: changes.certificates ?? read.certificates,
    signerInfos: changes.signerInfos ?? read.signers.map(({ der }) => der),
  });

const judge = (p7m: Uint8Array) => verifyAuthorization(nodeHost, oids, p7m, context);

describe("authorization.p7m", () => {
  it("T7: a certificate without its signature is refused", async () => {
    const certificates = [...read.certificates, op3.certificate];
    await expect(judge(rebuilt({ certificates }))).rejects.toMatchObject({ code: "CMS-CERTIFICATE" });
  });

  it("T7: a signature without its certificate is refused", async () => {
    const certificates = read.certificates.slice(1);
    await expect(judge(rebuilt({ certificates }))).rejects.toMatchObject({ code: "CMS-CERTIFICATE" });
  });

  it("T12: a signature beside another person's certificate is refused", async () => {
    const certificates = [op1.certificate, op3.certificate];
    await expect(judge(rebuilt({ certificates }))).rejects.toMatchObject({ code: "CMS-CERTIFICATE" });
  });

  it("T8: other content under the same signatures is refused", async () => {
    const other = challengeBytes({ ...challenge, count: 3 });
    await expect(judge(rebuilt({ content: other }))).rejects.toMatchObject({ code: "CHALLENGE-MATCH" });
    const past = verifyPastAuthorization(nodeHost, oids, rebuilt({ content: other }), context);
    await expect(past).rejects.toMatchObject({ code: "CMS-DIGEST" });
  });

  it("T8: a signature of the same bytes under another content type is refused", async () => {
    const p7m = await signedBy([op1, op2], oids.request, content);
    await expect(judge(p7m)).rejects.toMatchObject({ code: "CMS-TYPE" });
    const { certificates, signers } = readSignedData(p7m);
    const relabelled = rebuilt({ certificates, signerInfos: signers.map(({ der }) => der) });
    await expect(judge(relabelled)).rejects.toMatchObject({ code: expect.stringMatching(/^CMS-(TYPE|ATTRIBUTES)$/) });
  });

  it("T6: a byte after the end is refused", async () => {
    await expect(judge(Uint8Array.of(...full, 0))).rejects.toMatchObject({ code: "DER" });
  });

  it("QUORUM: judged later, it holds at the last approver's claimed time", async () => {
    const past = await verifyPastAuthorization(nodeHost, oids, full, context);
    expect(past).toMatchObject({ completed: times.approval, challengeDigestHex: hex(sha256(content)), challenge });
    expect(past.approvers).toHaveLength(2);
  });
});

describe("one approval", () => {
  it("QUORUM: one person's approval is read without the threshold", async () => {
    const p7m = await signedBy([op1], oids.authorization, content);
    expect(await verifyApproval(nodeHost, oids, p7m, context)).toMatchObject({ person: "op1" });
  });

  it("CMS-SIGNERS: a merged file is no single approval", async () => {
    await expect(verifyApproval(nodeHost, oids, full, context)).rejects.toMatchObject({ code: "CMS-SIGNERS" });
  });
});

describe("dissents", () => {
  const dissent = (
    type: "rejection" | "abort" | "withdrawal",
    by = [op2],
    bytes = dissentBytes(challenge, type, "wrong stick"),
  ) => signedBy(by, oids[type], bytes);

  it("BATCH-STATE: a rejection, withdrawal or abort gives person and reason, also after the challenge expired", async () => {
    for (const type of ["rejection", "withdrawal", "abort"] as const) {
      const late = { ...context, now: "2026-12-23T00:00:00Z" };
      const found = await verifyDissent(nodeHost, oids, await dissent(type), type, late);
      expect(found).toMatchObject({ approver: { person: "op2" }, reason: "wrong stick" });
    }
  });

  it("CMS-TYPE: a rejection is no abort, whatever its content type says", async () => {
    await expect(verifyDissent(nodeHost, oids, await dissent("rejection"), "abort", context)).rejects.toMatchObject({
      code: "CMS-TYPE",
    });
    const disguised = await signedBy([op2], oids.abort, dissentBytes(challenge, "rejection", "no"));
    await expect(verifyDissent(nodeHost, oids, disguised, "abort", context)).rejects.toMatchObject({
      code: "CMS-TYPE",
    });
  });

  it("CHALLENGE-MATCH: a rejection of another batch is refused", async () => {
    const other = dissentBytes({ ...challenge, batchDigest: "22".repeat(32) }, "rejection", "no");
    const p7m = await dissent("rejection", [op2], other);
    await expect(verifyDissent(nodeHost, oids, p7m, "rejection", context)).rejects.toMatchObject({
      code: "CHALLENGE-MATCH",
    });
  });

  it("PERSON: a stranger, an excluded role or two people reject nothing", async () => {
    const by = async (...signers: (typeof op1)[]) =>
      verifyDissent(nodeHost, oids, await dissent("rejection", signers), "rejection", context);
    await expect(by(stranger)).rejects.toMatchObject({ code: "PERSON-UNKNOWN" });
    await expect(by(keeper)).rejects.toMatchObject({ code: "PERSON-EXCLUDED" });
    await expect(by(op1, op2)).rejects.toMatchObject({ code: "CMS-SIGNERS" });
  });
});
