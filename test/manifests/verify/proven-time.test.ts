import { beforeAll, describe, expect, it } from "vitest";
import { bundleTree } from "../../../desk/anchor/bundle-tree.ts";
import { bundleWords, sealWords } from "../../../desk/verdict-words.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { withUnsigned } from "../../../manifests/cms/unsigned-attributes.ts";
import { generalizedTime } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { readSeal, sealFile } from "../../../manifests/records/seal.ts";
import { writeEvidenceRecord } from "../../../manifests/time/evidence-record.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, issuer, oids, root, sealing, submitter } from "../../bundle/people.ts";
import type { Issued } from "../../pki/authority.ts";
import { makeCrl, type WantedCrl } from "../../pki/crl.ts";
import { makeOcsp } from "../../pki/ocsp.ts";
import { makeToken, tsa, tsaRoot } from "../../pki/tsa.ts";
import { rawToken } from "../time/raw-token.ts";

/** Sealed on 2026-11-20, stamped on the 24th, looked at in 2030. */
const stamped = "2026-11-24T09:00:00Z";
const at = "2030-01-01T00:00:00Z";
const lasting = { thisUpdate: "2029-12-31T00:00:00Z", nextUpdate: "2030-02-01T00:00:00Z" };
const serialOf = ({ certificate }: Issued) => readCertificate(certificate).serial;
const list = (by: Issued, wanted: WantedCrl = {}) => makeCrl(by, { ...lasting, ...wanted });
/** The sealing certificate revoked at a time, by its issuer. */
const revokedAt = (date: string, wanted: WantedCrl = {}) =>
  list(issuer, { revoked: [serialOf(sealing)], revocationDate: date, ...wanted });

let bundle: Bundle;
let anchored: Bundle;
beforeAll(async () => {
  bundle = await buildBundle();
  const { tree } = await bundleTree(nodeHost, memorySource(bundle));
  const token = await rawToken(tree.root, { time: stamped });
  const record = writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
  anchored = { ...bundle, files: new Map([...bundle.files, ["evidence/0001.ers", record]]) };
});

function verdictOf(
  files: Bundle,
  crls: readonly Uint8Array[],
  more: { ocsp?: readonly Uint8Array[]; trusted?: boolean } = {},
) {
  const { ocsp, trusted = true } = more;
  return verifyBundle(nodeHost, memorySource(files), {
    roots: [root.certificate],
    genesis: bundle.genesis,
    at,
    crls: [list(root), ...crls],
    ...(ocsp ? { ocsp } : {}),
    ...(trusted ? { authorities: [tsaRoot.certificate] } : {}),
  });
}
const codes = ({ findings }: { readonly findings: readonly { readonly code: string }[] }) => [
  ...new Set(findings.map(({ code }) => code)),
];

describe("what was revoked after it is proven to have existed", () => {
  it("T11: stands, and the verdict says who was revoked and when", async () => {
    const verdict = await verdictOf(anchored, [revokedAt("2028-01-01T00:00:00Z")]);
    expect(codes(verdict)).toEqual([]);
    expect(verdict.indication).toMatchObject({ main: "TOTAL-PASSED", revocation: "CRLs", time: "evidence" });
    expect(verdict.revokedLater).toEqual([
      { subject: readCertificate(sealing.certificate).subjectText, since: "2028-01-01T00:00:00Z" },
    ]);
    expect(bundleWords(verdict).rows.find(([label]) => label === "revoked")?.[1]).toContain("since 2028-01-01");
  });

  it.each<[string, () => Promise<{ readonly findings: readonly { readonly code: string }[] }>]>([
    ["revoked before", () => verdictOf(anchored, [revokedAt("2026-11-22T00:00:00Z")])],
    ["revoked at the very time", () => verdictOf(anchored, [revokedAt(stamped)])],
    ["no evidence of time", () => verdictOf(bundle, [revokedAt("2028-01-01T00:00:00Z")])],
    [
      "evidence that no root vouches for",
      () => verdictOf(anchored, [revokedAt("2028-01-01T00:00:00Z")], { trusted: false }),
    ],
    [
      "an invalidity date before it, whatever the revocation date says",
      () =>
        verdictOf(anchored, [
          revokedAt("2028-01-01T00:00:00Z", {
            extension: {
              oid: oid.invalidityDate,
              critical: false,
              entry: true,
              value: generalizedTime("2026-11-22T00:00:00Z"),
            },
          }),
        ]),
    ],
    [
      "the issuer revoked before, though the certificate itself is not",
      () =>
        verdictOf(anchored, [
          list(issuer),
          list(root, { revoked: [serialOf(issuer)], revocationDate: "2026-11-22T00:00:00Z" }),
        ]),
    ],
    [
      "one of two lists that says before",
      () => verdictOf(anchored, [revokedAt("2028-01-01T00:00:00Z"), revokedAt("2026-11-22T00:00:00Z")]),
    ],
  ])("T11: %s: it falls", async (_what, verdict) => {
    expect(codes(await verdict())).toContain("PATH-REVOKED");
  });

  it("T11: an authority that was revoked, whenever that was, proves nothing; what rests on it falls", async () => {
    const gone = makeCrl(tsaRoot, { ...lasting, revoked: [serialOf(tsa)], revocationDate: "2028-01-01T00:00:00Z" });
    const verdict = await verdictOf(anchored, [revokedAt("2028-06-01T00:00:00Z"), gone]);
    expect(verdict.times[0]?.discounted).toContain("PATH-REVOKED");
    expect([verdict.provenTime, codes(verdict)]).toEqual([null, expect.arrayContaining(["PATH-REVOKED"])]);
  });

  it("T11: the submitter too, and is named", async () => {
    const since = (date: string) => list(root, { revoked: [serialOf(submitter)], revocationDate: date });
    const later = await verdictOf(anchored, [list(issuer), since("2028-01-01T00:00:00Z")]);
    expect([codes(later), later.revokedLater]).toEqual([
      [],
      [{ subject: readCertificate(submitter.certificate).subjectText, since: "2028-01-01T00:00:00Z" }],
    ]);
    expect(codes(await verdictOf(anchored, [list(issuer), since("2026-11-19T00:00:00Z")]))).toContain("PATH-REVOKED");
  });

  it("T11: by OCSP responses as by lists", async () => {
    const answer = (date: string) =>
      [sealing, audit].map(({ certificate }) =>
        makeOcsp(
          issuer,
          [
            certificate === sealing.certificate
              ? { certificate, status: "revoked", since: date, ...lasting }
              : { certificate, ...lasting },
          ],
          { producedAt: lasting.thisUpdate },
        ),
      );
    expect(codes(await verdictOf(anchored, [], { ocsp: answer("2028-01-01T00:00:00Z") }))).toEqual([]);
    expect(codes(await verdictOf(anchored, [], { ocsp: answer("2026-11-22T00:00:00Z") }))).toContain("PATH-REVOKED");
  });

  it("T11: of one seal by the time-stamp in it", async () => {
    const [path = ""] = [...bundle.files.keys()].filter((one) => one.startsWith("seals/")).sort();
    const seal = bundle.files.get(path) as Uint8Array;
    const { certificates, signer } = readSeal(seal, oids);
    const value = await makeToken({ over: signer.signature, time: stamped });
    const extended = sealFile({
      certificates,
      signerInfo: withUnsigned(signer, [{ oid: oid.signatureTimeStamp, value }]),
    });
    const [document] = [...bundle.documents.values()];
    const documentDigest = async (hash: "sha256" | "sha384" | "sha512") => digestOf(hash, document as Uint8Array);
    const verdict = (file: Uint8Array, date: string) =>
      verifySeal(
        nodeHost,
        { seal: file, documentDigest },
        {
          roots: [root.certificate],
          authorities: [tsaRoot.certificate],
          at,
          crls: [list(root), revokedAt(date)],
        },
      );
    const stands = await verdict(extended, "2028-01-01T00:00:00Z");
    expect([codes(stands), stands.revokedLater]).toEqual([
      [],
      [{ subject: readCertificate(sealing.certificate).subjectText, since: "2028-01-01T00:00:00Z" }],
    ]);
    expect(sealWords(stands).rows.find(([label]) => label === "revoked")?.[1]).toContain("since 2028-01-01");
    expect(codes(await verdict(extended, "2026-11-22T00:00:00Z"))).toEqual(["PATH-REVOKED"]);
    expect(codes(await verdict(seal, "2028-01-01T00:00:00Z"))).toEqual(["PATH-REVOKED"]);
  });
});
