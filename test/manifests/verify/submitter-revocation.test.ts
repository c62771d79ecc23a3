import { describe, expect, it } from "vitest";
import { bundleWords, sealWords } from "../../../desk/verdict-words.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { checkWhereAnswered } from "../../../manifests/verify/revocation.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { buildPlainBundle, desk } from "../../bundle/build-plain.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, issuer, oids, op1, root, sealing, submitter } from "../../bundle/people.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeOcsp } from "../../pki/ocsp.ts";

const at = "2026-12-01T00:00:00Z";
const serialOf = ({ certificate }: Issued) => readCertificate(certificate).serial;
const nameOf = ({ certificate }: Issued) => readCertificate(certificate).subjectText;
const answers = (...about: readonly Issued[]) => about.map(({ certificate }) => ({ certificate }));
const past = { thisUpdate: "2026-11-01T00:00:00Z", nextUpdate: "2026-11-10T00:00:00Z" };
/** All that the box's certificates need, and nothing of the submitter's. */
const forTheBox = () => [makeOcsp(root, answers(issuer)), makeOcsp(issuer, answers(sealing, audit))];

async function judge(bundle: Bundle, given: Pick<Trust, "crls" | "ocsp">) {
  const trust = { roots: [root.certificate], genesis: bundle.genesis, at, ...given };
  const verdict = await verifyBundle(nodeHost, memorySource(bundle), trust);
  const codes = verdict.findings.map(({ code, file }) => `${file} ${code}`);
  return { codes, indication: verdict.indication, silent: verdict.submitterUnanswered, words: bundleWords(verdict) };
}
const lookedUp = ({ rows }: ReturnType<typeof bundleWords>) => rows.find(([label]) => label === "looked up")?.[1];

describe.each<[string, Issued, string, () => Promise<Bundle>]>([
  ["a signed request", submitter, "batch.p7m", buildBundle],
  ["plain envelopes", desk, "envelopes/list.jsonl", buildPlainBundle],
])("the submitter's certificate, of %s", (_, who, file, build) => {
  it("T11: is looked up where its issuer's list is there, and so it is said", async () => {
    const { codes, silent, words } = await judge(await build(), { crls: [makeCrl(root), makeCrl(issuer)] });
    expect([codes, silent]).toEqual([[], []]);
    expect(lookedUp(words)).toBe("the box's certificates and the submitter's");
  });

  it("T11: does not count where its issuer revoked it, by a list or a response", async () => {
    const bundle = await build();
    const revoking = makeOcsp(root, [{ certificate: who.certificate, status: "revoked" }]);
    for (const given of [
      { crls: [makeCrl(root, { revoked: [serialOf(who)] }), makeCrl(issuer)] },
      { ocsp: [...forTheBox(), revoking] },
      { crls: [makeCrl(root), makeCrl(issuer)], ocsp: [revoking] },
    ]) {
      const { codes, indication, silent } = await judge(bundle, given);
      expect(codes).toEqual([`${file} PATH-REVOKED`]);
      expect(indication).toMatchObject({ main: "INDETERMINATE", sub: "REVOKED_NO_POE" });
      expect(silent).toBeNull();
    }
  });

  it("T11: is not known where what is there of its issuer does not answer: unknown, too old, not signed by it", async () => {
    const bundle = await build();
    const stranger = makeRoot({ name: "Root" });
    for (const given of [
      { ocsp: [...forTheBox(), makeOcsp(root, [{ certificate: who.certificate, status: "unknown" }])] },
      { ocsp: [...forTheBox(), makeOcsp(root, [{ certificate: who.certificate, ...past }])] },
      { ocsp: forTheBox(), crls: [makeCrl(root, past)] },
      { ocsp: forTheBox(), crls: [makeCrl(stranger)] },
    ]) {
      const { codes, indication } = await judge(bundle, given);
      expect(codes).toEqual([`${file} REVOCATION`]);
      expect(indication).toMatchObject({ main: "INDETERMINATE", sub: "TRY_LATER" });
    }
  });

  it("HONEST: passes where nothing of its issuer is there, and the verdict names whom nothing was given of", async () => {
    const { codes, indication, silent, words } = await judge(await build(), { ocsp: forTheBox() });
    expect([codes, silent]).toEqual([[], [nameOf(root)]]);
    expect(indication).toMatchObject({ main: "TOTAL-PASSED", revocation: "OCSP responses" });
    expect(lookedUp(words)).toBe(
      `the box's certificates; not the submitter's: no CRL or OCSP response was given of ${nameOf(root)}`,
    );
  });

  it("HONEST: nothing is said of it where nothing was given at all", async () => {
    const { silent, words } = await judge(await build(), {});
    expect([silent, lookedUp(words)]).toEqual([null, undefined]);
  });
});

describe("a submitter below another root than the box", () => {
  const ca = makeRoot({ name: "Submitters' CA" });
  const who = issue(ca, { name: "Another desk", eku: [oids.submitter] });
  const build = () =>
    buildBundle({
      submitter: who,
      policy: (policy) => ({ ...policy, submitters: { ...policy.submitters, roots: [ca.certificate] } }),
    });
  const ofTheBox = () => [makeCrl(root), makeCrl(issuer)];

  it("T11: is looked up by the list of its own CA, and only by that", async () => {
    const bundle = await build();
    expect(await judge(bundle, { crls: ofTheBox() })).toMatchObject({ codes: [], silent: [nameOf(ca)] });
    expect(await judge(bundle, { crls: [...ofTheBox(), makeCrl(ca)] })).toMatchObject({ codes: [], silent: [] });
    const revoked = [serialOf(who)];
    const { codes } = await judge(bundle, { crls: [...ofTheBox(), makeCrl(ca, { revoked })] });
    expect(codes).toEqual(["batch.p7m PATH-REVOKED"]);
    const byAnother = await judge(bundle, { crls: [makeCrl(root, { revoked }), makeCrl(issuer)] });
    expect(byAnother.codes).toEqual([]);
  });

  it("T11: each certificate of its path is looked up by itself", async () => {
    const middle = issue(ca, { name: "Middle CA", ca: true });
    const path = [issue(middle, { name: "desk" }), middle, ca].map(({ certificate }) => readCertificate(certificate));
    const look = (crls: readonly Uint8Array[]) =>
      checkWhereAnswered(nodeHost, path, { crls, ocsp: [], claimed: at, now: at, minimumRsaBits: 2048 });
    expect(await look([])).toEqual([nameOf(middle), nameOf(ca)]);
    expect(await look([makeCrl(middle)])).toEqual([nameOf(ca)]);
    expect(await look([makeCrl(ca)])).toEqual([nameOf(middle)]);
    expect(await look([makeCrl(middle), makeCrl(ca)])).toEqual([]);
    await expect(look([makeCrl(ca, { revoked: [serialOf(middle)] })])).rejects.toMatchObject({ code: "PATH-REVOKED" });
  });
});

describe("whom lists and responses say nothing about", () => {
  it("T11: operators have no path: the policy names their certificates, and revokes them", async () => {
    const crls = [makeCrl(root, { revoked: [serialOf(op1)] }), makeCrl(issuer)];
    expect((await judge(await buildBundle(), { crls })).codes).toEqual([]);
  });

  it("HONEST: one seal with what lies beside it says that the submitter's certificate was not looked up", async () => {
    const bundle = await buildBundle();
    const file = (path: string) => bundle.files.get(path) as Uint8Array;
    const [path = ""] = [...bundle.files.keys()].filter((name) => name.startsWith("seals/"));
    const [document] = [...bundle.documents.values()];
    const given = {
      seal: file(path),
      documentDigest: async (hash: "sha256" | "sha384" | "sha512") => digestOf(hash, document as Uint8Array),
      manifest: file("manifest.p7m"),
    };
    const trust = { roots: [root.certificate], at };
    const words = sealWords(await verifySeal(nodeHost, given, { ...trust, ocsp: forTheBox() }));
    expect(words.tone).toBe("good");
    expect(lookedUp(words)).toBe("the box's certificates; not the submitter's, which only a whole batch has");
    expect(lookedUp(sealWords(await verifySeal(nodeHost, given, trust)))).toBeUndefined();
  });
});
