import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sealWords } from "../../desk/verdict-words.ts";
import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { withoutRevocation, withRevocation } from "../../manifests/cms/revocation-values.ts";
import { DerReader, tag, whole } from "../../manifests/encoding/der-read.ts";
import { der, integer, objectIdentifier, sequence } from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { verifySeal } from "../../manifests/verify/seal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { issuer, root, sealing } from "../bundle/people.ts";
import { type Issued, pem } from "../pki/authority.ts";
import { makeCrl } from "../pki/crl.ts";
import { makeOcsp } from "../pki/ocsp.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import { tsa as authority, tsaRoot } from "../pki/tsa.ts";
import { isHere, verifiers } from "../verifiers/all.ts";
import { refusalBy } from "../verifiers/verifier.ts";

let dir: string;
let bundle: Bundle;
let tsa: TestTsa;
let seal: Uint8Array;
const name = "contract 0113.pdf";
const serialOf = ({ certificate }: Issued) => readCertificate(certificate).serial;
/** Lists that answer for today, whenever this runs. */
const today = { thisUpdate: "2026-11-21T00:00:00Z", nextUpdate: "2039-01-01T00:00:00Z" };
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-extend-lt-"));
  bundle = await buildBundle();
  tsa = await openTsa();
  const [path = ""] = [...bundle.files.keys()].filter((one) => one.startsWith("seals/")).sort();
  seal = bundle.files.get(path) as Uint8Array;
  const put = (file: string, bytes: Uint8Array | string) => writeFileSync(join(dir, file), bytes);
  put("ca.crt", pem(root.certificate));
  put("document", bundle.documents.get(name) as Uint8Array);
  put("seal.p7s", seal);
  put("root.crl", makeCrl(root, today));
  put("issuer.crl", makeCrl(issuer, today));
  put("tsa.crl", makeCrl(tsaRoot, today));
  put("revoked.crl", makeCrl(issuer, { ...today, revoked: [serialOf(sealing)] }));
  put("tsa-revoked.crl", makeCrl(tsaRoot, { ...today, revoked: [serialOf(authority)] }));
  put("issuer.ors", makeOcsp(issuer, [{ certificate: sealing.certificate, ...today }]));
});
afterAll(() => {
  tsa?.end();
  rmSync(dir, { recursive: true, force: true });
});

const extend = (to: string, ...more: readonly string[]) =>
  new Promise<{ status: number; out: string; err: string }>((resolve) => {
    const words = ["extend", join(dir, "seal.p7s"), "--to", join(dir, to), "--tsa", tsa.url, "--tsa-ca", tsa.ca];
    const files = more.map((word) => (word.startsWith("--") ? word : join(dir, word)));
    execFile(process.execPath, ["desk/main.ts", ...words, ...files], (fault, out, err) => {
      resolve({ status: fault ? Number(fault.code) : 0, out, err });
    });
  });
const allCrls = ["--crl", "root.crl", "issuer.crl", "tsa.crl"] as const;
const written = (to: string) => new Uint8Array(readFileSync(join(dir, to, "seal.p7s")));

function verdictOf(file: Uint8Array, trust: { readonly crls?: readonly Uint8Array[] } = {}) {
  const documentDigest = async (hash: "sha256" | "sha384" | "sha512") =>
    digestOf(hash, bundle.documents.get(name) as Uint8Array);
  const roots = [root.certificate];
  return verifySeal(nodeHost, { seal: file, documentDigest }, { roots, authorities: [tsaRoot.certificate], ...trust });
}

describe("coldseal extend, CAdES-B-LT", () => {
  it("T11: puts lists of all paths beside the time-stamp, and the verdict is by them", async () => {
    const { status, out, err } = await extend("lt", "--ca", "ca.crt", ...allCrls);
    expect([status, err, out]).toEqual([0, "", expect.stringContaining("(CAdES-B-LT)")]);
    const file = written("lt");
    expect(withoutRevocation(file).values.crls).toHaveLength(3);
    const { indication, ok, provenTime, times } = await verdictOf(file);
    expect([ok, indication]).toEqual([
      true,
      { main: "TOTAL-PASSED", sub: null, revocation: "CRLs in the seal", time: "evidence" },
    ]);
    expect([provenTime, times[0]?.discounted]).toEqual([expect.any(String), null]);
  });

  it("HONEST: inspect says what is in it; a verdict by nothing but what came in the seal says so", async () => {
    await extend("told", "--ca", "ca.crt", ...allCrls);
    const inspected = await new Promise<string>((resolve) => {
      execFile(process.execPath, ["desk/main.ts", "inspect", join(dir, "told/seal.p7s")], (_fault, out) =>
        resolve(out),
      );
    });
    expect(inspected).toMatch(/^seal .*\n(?:.*\n)*? *time-stamps +1\n +CRLs +3\n/);
    const own = [makeCrl(root, today), makeCrl(issuer, today)];
    expect((await verdictOf(written("told"))).indication.revocation).toBe("CRLs in the seal");
    expect((await verdictOf(written("told"), { crls: own })).indication.revocation).toBe("CRLs");
    expect(sealWords(await verdictOf(written("told"))).rows[0]?.[1]).toContain(
      "only CRLs in the seal were looked at, which whoever gave it chose",
    );
  });

  it.each(verifiers.filter(isHere))("HONEST: $name takes one with CRLs", async (kind) => {
    await extend(kind.name, "--ca", "ca.crt", ...allCrls);
    const file = { signed: join(dir, kind.name, "seal.p7s"), document: join(dir, "document") };
    expect(await refusalBy(kind, join(dir, "ca.crt"), file)).toBeUndefined();
  });

  it("T11: an OCSP response makes version 5, which we and others take, and gpgsm does not, as docs/verify.md says", async () => {
    const { status, err } = await extend(
      "ocsp",
      "--ca",
      "ca.crt",
      "--crl",
      "root.crl",
      "tsa.crl",
      "--ocsp",
      "issuer.ors",
    );
    expect([status, err]).toEqual([0, ""]);
    const file = written("ocsp");
    expect(withoutRevocation(file).values).toMatchObject({ crls: { length: 2 }, ocsp: { length: 1 } });
    expect((await verdictOf(file)).indication).toMatchObject({
      main: "TOTAL-PASSED",
      revocation: "CRLs and OCSP responses in the seal",
    });
    for (const kind of verifiers.filter(isHere)) {
      const file = { signed: join(dir, "ocsp/seal.p7s"), document: join(dir, "document") };
      const refusal = await refusalBy(kind, join(dir, "ca.crt"), file);
      expect([kind.name, refusal === undefined]).toEqual([kind.name, kind.name !== "gpgsm"]);
    }
  });

  it.each<[number, string, string, readonly string[]]>([
    [4, "REVOCATION", "a list of an issuer in the path is missing", ["--ca", "ca.crt", "--crl", "root.crl", "tsa.crl"]],
    [4, "REVOCATION", "none answers for the authority", ["--ca", "ca.crt", "--crl", "root.crl", "issuer.crl"]],
    [
      1,
      "PATH-REVOKED",
      "the seal's certificate is revoked",
      ["--ca", "ca.crt", "--crl", "root.crl", "revoked.crl", "tsa.crl"],
    ],
    [1, "PATH-REVOKED", "the authority's is", ["--ca", "ca.crt", "--crl", "root.crl", "issuer.crl", "tsa-revoked.crl"]],
    [2, "USAGE", "no root", [...allCrls]],
    [2, "USAGE", "no list", ["--ca", "ca.crt"]],
    [2, "USAGE", "what is no list", ["--ca", "ca.crt", "--crl", "document"]],
  ])("exit %i, %s: %s: nothing is written", async (status, code, _what, words) => {
    const to = `refused-${Math.random()}`;
    const told = await extend(to, ...words);
    expect(told.err).toContain(code);
    expect(told.status).toBe(status);
    expect(readdirSync(dir).includes(to) ? readdirSync(join(dir, to)) : []).toEqual([]);
  });
});

describe("revocation data in a seal", () => {
  const crls = () => [makeCrl(root, today), makeCrl(issuer, today)];
  it("T11: what it revokes falls, what it leaves open is said, and the verifier's own lists count beside it", async () => {
    const good = withRevocation(seal, { crls: crls(), ocsp: [] });
    expect((await verdictOf(good)).ok).toBe(true);
    const revoking = makeCrl(issuer, { ...today, revoked: [serialOf(sealing)] });
    const codes = async (file: Uint8Array, trust = {}) =>
      (await verdictOf(file, trust)).findings.map(({ code }) => code);
    expect(await codes(withRevocation(seal, { crls: [makeCrl(root, today), revoking], ocsp: [] }))).toEqual([
      "PATH-REVOKED",
    ]);
    expect(await codes(withRevocation(seal, { crls: [makeCrl(root, today)], ocsp: [] }))).toEqual(["REVOCATION"]);
    expect(await codes(good, { crls: [revoking] })).toEqual(["PATH-REVOKED"]);
  });

  it("CMS-FORM: in a wrong version, twice, out of order, of unknown kind or empty it is refused; what was there before stays", () => {
    const [one, two] = crls() as [Uint8Array, Uint8Array];
    const file = withRevocation(seal, { crls: [one], ocsp: [] });
    expect(withoutRevocation(withRevocation(file, { crls: [one, two], ocsp: [] })).values.crls).toHaveLength(2);
    expect(withoutRevocation(file).base).toEqual(seal);
    expect(withoutRevocation(seal)).toEqual({ base: seal, values: { crls: [], ocsp: [] } });
    const sorted = [one, two].sort(Buffer.compare);
    const other = der(0xa1, objectIdentifier("1.2.3.4"), sequence(integer(1)));
    for (const [version, choices] of [
      [5, sorted],
      [1, [one, one]],
      [1, [...sorted].reverse()],
      [5, [one, other]],
      [1, []],
    ] as const) {
      expect(codeOf(() => withoutRevocation(raw(version, choices)))).toBe("CMS-FORM");
    }
    expect(codeOf(() => withoutRevocation(raw(1, sorted)))).toBe("none");
  });
});

/** The seal with these choices in [1], as they are given. */
function raw(version: number, choices: readonly Uint8Array[]): Uint8Array {
  const info = DerReader.open(seal, tag.sequence, "DER");
  info.oid();
  const signed = info.enter(0xa0).enter(tag.sequence);
  signed.smallInteger();
  const [digests, content, certificates, signers] = signed.rest(4).map((one) => whole(seal, one)) as Uint8Array[];
  const parts = [digests, content, certificates, der(0xa1, ...choices), signers] as Uint8Array[];
  return sequence(objectIdentifier(oid.signedData), der(0xa0, sequence(integer(version), ...parts)));
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (fault) {
    return fault instanceof Refusal ? fault.code : `untyped: ${fault}`;
  }
}
