import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import type { RequestHead } from "../../../manifests/records/request.ts";
import {
  checkListedDocument,
  checkRequestAgainstPolicy,
  verifyRequest,
} from "../../../manifests/records/request-envelope.ts";
import { requestBytes } from "../../../manifests/records/request-stream.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { issuer, oids, op1, root, submitter } from "../../bundle/people.ts";
import { makePolicy, signedBy, times } from "../../bundle/signed.ts";
import { fingerprint, type Issued, issue, makeRoot, type Wanted } from "../../pki/authority.ts";

const policy = makePolicy();
const head: RequestHead = {
  batch: "b-1",
  digestAlgorithm: "sha256",
  expires: times.expires,
  mode: "test",
  purpose: "contracts",
  type: "batch-request",
  version: 1,
};
const content = concat([...requestBytes(head, [{ digest: "ab".repeat(32), name: "a.pdf", size: 3 }])]);
const now = times.approval;

const sign = (by: Issued, eContentType = oids.request, extraCertificates: readonly Uint8Array[] = []) =>
  signContent(nodeHost, by.signingKey, { eContentType, content, signingTime: times.request, extraCertificates });

function verify(p7m: Uint8Array, judged: { policy?: Policy; now?: string } = {}) {
  const data = readSignedData(p7m);
  const envelope = { ...data, contentDigest: (hash: "sha256" | "sha384" | "sha512") => nodeHost.digest(hash, content) };
  return verifyRequest(nodeHost, oids, envelope, { policy, now, ...judged });
}

describe("who signed a request", () => {
  it("QUORUM: the submitter is named by certificate, key and subject", async () => {
    const { submitter: found } = await verify(await sign(submitter));
    expect(found.name).toBe("CN=Contracts desk,O=Coldseal test");
    expect(found.certificateSha256Hex).toBe(fingerprint(submitter.certificate));
    expect(found.keySha256Hex).toBe(fingerprint(submitter.spki));
    expect(found.signed).toBe(times.request);
  });

  it("T11: a path over an intermediate in the file holds", async () => {
    const desk = issue(issuer, { name: "Desk", eku: [oids.submitter] });
    expect((await verify(await sign(desk, oids.request, [issuer.certificate]))).submitter.name).toContain("Desk");
    await expect(verify(await sign(desk))).rejects.toMatchObject({ code: "PATH-ROOT" });
  });

  const other = makeRoot({ name: "Other root" });
  const revoking: Policy = { ...policy, revoked: [fingerprint(submitter.certificate)] };
  const another = (name: string, more: Partial<Wanted> = {}) => issue(root, { name, eku: [oids.submitter], ...more });
  const small = { suite: "rsa-pkcs1-sha256", rsaBits: 2048 } as const;
  const wrong: readonly (readonly [string, RefusalCode, () => Promise<Uint8Array>, Policy])[] = [
    ["T11: an operator's certificate", "PATH-USAGE", () => sign(op1), policy],
    ["T11: another root's", "PATH-ROOT", () => sign(issue(other, { name: "x", eku: [oids.submitter] })), policy],
    ["T11: an expired certificate", "PATH-TIME", () => sign(another("x", { notAfter: times.request })), policy],
    ["T11: a revoked certificate", "PATH-REVOKED", () => sign(submitter), revoking],
    ["T9: a small key", "PATH-KEY", () => sign(another("x", small)), policy],
    ["T7: two signers", "CMS-SIGNERS", () => signedBy([submitter, another("y")], oids.request, content), policy],
    [
      "T7: a foreign certificate beside it",
      "CMS-CERTIFICATE",
      () => sign(submitter, oids.request, [op1.certificate]),
      policy,
    ],
    [
      "T15: a submitter's certificate for an operator's key",
      "PERSON-EXCLUDED",
      () => sign(another("x", { key: op1.key })),
      policy,
    ],
    ["T8: another content type", "CMS-TYPE", () => sign(submitter, oids.authorization), policy],
  ];
  it.each(wrong)("%s is refused (%s)", async (_, code, make, judgedBy) => {
    await expect(verify(await make(), { policy: judgedBy })).rejects.toMatchObject({ code });
  });

  it("SAME-BYTES: a signature over another list is refused", async () => {
    const data = readSignedData(await sign(submitter));
    const envelope = {
      ...data,
      contentDigest: (hash: "sha256" | "sha384" | "sha512") => nodeHost.digest(hash, new Uint8Array(1)),
    };
    await expect(verifyRequest(nodeHost, oids, envelope, { policy, now })).rejects.toMatchObject({
      code: "CMS-DIGEST",
    });
  });
});

describe("what a request asks for", () => {
  const limited: Policy = { ...policy, limits: { ...policy.limits, documents: 2, batchBytes: 10, documentBytes: 5 } };
  const wrong: readonly (readonly [string, RefusalCode, Partial<RequestHead>, number, number, string])[] = [
    ["MODE: a mode that the policy does not allow", "MODE", { mode: "offline" }, 1, 1, now],
    ["POLICY-PROFILE: another digest", "POLICY-PROFILE", { digestAlgorithm: "sha384" }, 1, 1, now],
    ["BATCH-EXPIRED: after its time", "BATCH-EXPIRED", {}, 1, 1, utcOf(Date.parse(times.expires) + 1000)],
    ["T4: too many documents", "MEDIA-LIMIT", {}, 3, 1, now],
    ["T4: too many bytes", "MEDIA-LIMIT", {}, 1, 11, now],
  ];
  it.each(wrong)("%s is refused (%s)", (_, code, changes, count, bytes, at) => {
    expect(() => checkRequestAgainstPolicy({ ...head, ...changes }, limited, count, bytes, at)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("T4: what is just within the limits is taken", () => {
    expect(() => checkRequestAgainstPolicy(head, limited, 2, 10, times.expires)).not.toThrow();
    const document = { digest: "ab".repeat(32), name: "a", size: 5 };
    expect(() => checkListedDocument(document, limited)).not.toThrow();
    expect(() => checkListedDocument({ ...document, size: 6 }, limited)).toThrow(
      expect.objectContaining({ code: "MEDIA-LIMIT" }),
    );
  });
});
