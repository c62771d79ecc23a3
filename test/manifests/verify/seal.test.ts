import { describe, expect, it } from "vitest";
import { digestOf, nodeHost, sha256 } from "../../../host/crypto-host.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { signerInfo } from "../../../manifests/cms/write.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { explicit, objectIdentifier, sequence, setOf, utf8String } from "../../../manifests/encoding/der-write.ts";
import { sealAttributes, sealFile } from "../../../manifests/records/seal.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { type SealToVerify, verifySeal } from "../../../manifests/verify/seal.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { audit, issuer, oids, sealing } from "../../bundle/people.ts";
import { makeSeal, sealFacts, times } from "../../bundle/signed.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";

const bundle = await buildBundle({ documents: { "a.pdf": "one", b: "two" } });
const file = (path: string, of: Bundle = bundle) => of.files.get(path) as Uint8Array;
const digestOfText = (text: string) => async (hash: HashName) => digestOf(hash, utf8(text));
async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}

const alone: SealToVerify = { seal: file("seals/0000/000001-a.pdf.p7s"), documentDigest: digestOfText("one") };
const whole = (): SealToVerify => ({
  ...alone,
  manifest: file("manifest.p7m"),
  list: pieces(file("documents.jsonl")),
  authorization: file("authorization.p7m"),
  policies: [file("policy/0001.p7m")],
});
const trust: Trust = { roots: bundle.roots };
const found = async (given: SealToVerify, by: Trust = trust) => {
  const { findings, ok } = await verifySeal(nodeHost, given, by);
  expect(ok).toBe(findings.length === 0);
  return findings.map(({ file: about, code }) => `${about} ${code}`);
};

describe("one seal", () => {
  it("MODE: alone, holds with its document and says what it says of itself, no more", async () => {
    expect(await verifySeal(nodeHost, alone, trust)).toMatchObject({
      ok: true,
      mode: "test",
      appliance: "box-1",
      number: 1,
      index: 1,
      claimedTime: times.sealing,
      sealer: { subject: "CN=Sealing,O=Coldseal test" },
      manifest: "not shown",
      quorum: "not shown",
      name: null,
      approvers: [],
      unsigned: false,
    });
  });

  it("QUORUM: with manifest, list, authorisation and policies, says who submitted and who approved", async () => {
    expect(await verifySeal(nodeHost, whole(), { ...trust, genesis: bundle.genesis })).toMatchObject({
      ok: true,
      manifest: "lists it",
      name: "a.pdf",
      submitter: "CN=Contracts desk,O=Coldseal test",
      batch: "2026-11-23-contracts",
      quorum: "pinned to genesis",
      approvers: [{ person: expect.any(String) }, { person: expect.any(String) }],
    });
    expect(await verifySeal(nodeHost, whole(), trust)).toMatchObject({ ok: true, quorum: "only as the box claims" });
  });

  it("CMS-DIGEST: with another document is found", async () => {
    expect(await found({ ...alone, documentDigest: digestOfText("two") })).toEqual(["seal CMS-DIGEST"]);
  });

  it("CHECKED-OUT: every changed byte of a seal is found", async () => {
    for (let at = 0; at < alone.seal.length; at += 7) {
      const seal = alone.seal.slice();
      seal[at] = (seal[at] as number) ^ (1 << (at % 8));
      expect(await found({ ...alone, seal }), `byte ${at}`).not.toEqual([]);
    }
  });

  it("PATH-ROOT: under another root, or another arc, it is found", async () => {
    expect(await found(alone, { roots: [makeRoot({ name: "Other" }).certificate] })).toEqual(["seal PATH-ROOT"]);
    expect(await found(alone, { ...trust, arc: "1.3.6.1.4.1.99999.1" })).toEqual(["seal CMS-ATTRIBUTES"]);
  });

  const by = async (sealer: Issued, chain?: readonly Uint8Array[]) => {
    const documentDigest = sha256(utf8("one"));
    const facts = sealFacts({ documentDigest, certificateDigest: sha256(sealer.certificate), suite: sealer.suite });
    return { ...alone, seal: (await makeSeal(facts, sealer, chain)).file };
  };
  const usual = { name: "Sealing", eku: [oids.sealing] } as const;
  const wrong: readonly (readonly [string, RefusalCode, () => Promise<SealToVerify>])[] = [
    ["the audit key", "PATH-USAGE", () => by(audit)],
    ["a certificate without key usage", "PATH-USAGE", () => by(issue(issuer, { ...usual, keyUsage: null }))],
    [
      "a certificate for encryption",
      "PATH-USAGE",
      () => by(issue(issuer, { ...usual, keyUsage: ["keyEncipherment"] })),
    ],
    ["a CA", "PATH-USAGE", () => by(issue(issuer, { ...usual, ca: true }))],
    ["a certificate that expired before", "PATH-TIME", () => by(issue(issuer, { ...usual, notAfter: times.request }))],
    [
      "a certificate that became valid later",
      "PATH-TIME",
      () => by(issue(issuer, { ...usual, notBefore: times.manifest })),
    ],
    [
      "an unrelated certificate beside it",
      "CMS-CERTIFICATE",
      () => by(sealing, [sealing.certificate, issuer.certificate, audit.certificate]),
    ],
    ["its issuer left out", "PATH-ROOT", () => by(sealing, [sealing.certificate])],
  ];
  it.each(wrong)("T11: by or with %s it is found (%s)", async (_, code, make) => {
    expect(await found(await make())).toEqual([`seal ${code}`]);
  });

  it("T7: unsigned attributes are told of, never trusted, and do not change the seal's digest", async () => {
    const { certificate, suite, signingKey } = sealing;
    const attributes = sealAttributes(sealFacts({ documentDigest: sha256(utf8("one")) }));
    const info = signerInfo({
      certificate,
      suite,
      signedAttributes: attributes,
      signature: await signingKey.sign(attributes),
    });
    const unsigned = explicit(1, sequence(objectIdentifier(oids.mode), setOf(utf8String("offline"))));
    const withUnsigned = sequence(concat([content(info), unsigned]));
    const seal = sealFile({ certificates: [certificate, issuer.certificate], signerInfo: withUnsigned });
    expect(await verifySeal(nodeHost, { ...alone, seal }, trust)).toMatchObject({
      ok: true,
      mode: "test",
      unsigned: true,
    });
  });
});

describe("one seal with its manifest", () => {
  it("SEAL-BIND: a good seal that the manifest does not list is found", async () => {
    const documentDigest = sha256(utf8("one"));
    const another = (await makeSeal(sealFacts({ documentDigest }))).file;
    expect(await found({ ...whole(), seal: another })).toEqual(["seal SEAL-BIND"]);
    const elsewhere = (await makeSeal(sealFacts({ documentDigest, number: 2 }))).file;
    expect(await found({ ...whole(), seal: elsewhere })).toEqual(["seal SEAL-BIND"]);
  });

  it("MODE: a seal in another mode than its manifest's is found", async () => {
    const seal = (await makeSeal(sealFacts({ documentDigest: sha256(utf8("one")), mode: "emergency" }))).file;
    expect(await found({ ...whole(), seal })).toEqual(["seal MODE"]);
  });

  it("ABORTED: a seal under an aborted manifest counts for nothing", async () => {
    const aborted = await buildBundle({ documents: { "a.pdf": "one", b: "two" }, abortedAfter: 1 });
    const given = { ...alone, manifest: file("manifest.p7m", aborted) };
    expect(await found(given)).toEqual(["seal ABORTED"]);
  });

  it("MANIFEST-BIND: list, authorisation or policy of another bundle are named", async () => {
    const other = await buildBundle({
      documents: { "a.pdf": "one" },
      policy: (policy) => ({ ...policy, revoked: ["11".repeat(32)] }),
    });
    expect(await found({ ...whole(), list: pieces(file("documents.jsonl", other)) })).toEqual([
      "documents.jsonl MANIFEST-BIND",
    ]);
    expect(await found({ ...whole(), authorization: file("authorization.p7m", other) })).toEqual([
      "authorization.p7m MANIFEST-BIND",
    ]);
    expect(await found({ ...whole(), policies: [file("policy/0001.p7m", other)] })).toContain(
      "policy/0001.p7m POLICY-DIGEST",
    );
    expect(await found({ ...whole(), manifest: file("manifest.p7m", other) })).toContain(
      "documents.jsonl MANIFEST-BIND",
    );
  });

  it("CHECKED-OUT: junk in any place is a finding", async () => {
    const junk = new Uint8Array(300).fill(0x30);
    for (const given of [
      { ...whole(), seal: junk },
      { ...whole(), manifest: junk },
      { ...whole(), list: pieces(junk) },
      { ...whole(), authorization: junk },
      { ...whole(), policies: [junk] },
      { ...whole(), policies: [] },
    ]) {
      const all = await found(given);
      expect(all).not.toEqual([]);
      expect(all.join()).not.toContain("INTERNAL");
    }
  });
});

/** The content of a SEQUENCE of at most 64 KiB. */
function content(der: Uint8Array): Uint8Array {
  const first = der[1] as number;
  return der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}
