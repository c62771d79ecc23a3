import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { readCrl } from "../../../manifests/x509/crl.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, issuer, root, sealing } from "../../bundle/people.ts";
import { issue, makeRoot, pem } from "../../pki/authority.ts";
import { makeCrl, type WantedCrl } from "../../pki/crl.ts";

const at = "2026-12-01T00:00:00Z";
const serialOf = (certificate: Uint8Array) => readCertificate(certificate).serial;
let bundle: Bundle;
beforeAll(async () => {
  bundle = await buildBundle();
});

async function found(crls: readonly Uint8Array[], files = bundle) {
  const trust = { roots: [root.certificate], genesis: bundle.genesis, at, crls };
  const { findings, indication } = await verifyBundle(nodeHost, memorySource(files), trust);
  return { codes: [...new Set(findings.map(({ code, file }) => `${file.split("/")[0]} ${code}`))].sort(), indication };
}
const ofRoot = (wanted: WantedCrl = {}) => makeCrl(root, wanted);
const ofIssuer = (wanted: WantedCrl = {}) => makeCrl(issuer, wanted);

describe("revocation by lists that the verifier was given", () => {
  it("T11: passes where each certificate below the root has a list of its issuer, and the result says what was looked at", async () => {
    expect(await found([ofRoot(), ofIssuer()])).toEqual({
      codes: [],
      indication: { main: "TOTAL-PASSED", sub: null, revocation: "CRLs", time: "claimed" },
    });
  });

  it("T11: what is on a list does not count, whatever date stands there: seals, manifest, or both by their issuer", async () => {
    const seals = await found([ofRoot(), ofIssuer({ revoked: [serialOf(sealing.certificate)] })]);
    expect(seals.codes).toContain("seals PATH-REVOKED");
    expect(seals.codes).not.toContain("manifest.p7m PATH-REVOKED");
    const manifest = await found([ofRoot(), ofIssuer({ revoked: [serialOf(audit.certificate)] })]);
    expect(manifest.codes).toContain("manifest.p7m PATH-REVOKED");
    const both = await found([ofRoot({ revoked: [serialOf(issuer.certificate)] }), ofIssuer()]);
    expect(both.codes).toEqual(expect.arrayContaining(["manifest.p7m PATH-REVOKED", "seals PATH-REVOKED"]));
    expect(both.indication).toMatchObject({ main: "INDETERMINATE", sub: "REVOKED_NO_POE" });
  });

  it("T11: a second list cannot hide what the first one says", async () => {
    const revoking = ofIssuer({ revoked: [serialOf(sealing.certificate)] });
    for (const crls of [
      [ofRoot(), revoking, ofIssuer()],
      [ofRoot(), ofIssuer({ thisUpdate: "2026-11-30T00:00:00Z" }), revoking],
    ]) {
      expect((await found(crls)).codes).toContain("seals PATH-REVOKED");
    }
  });

  it.each<[string, () => readonly Uint8Array[]]>([
    ["none at all", () => []],
    ["none of the issuer", () => [ofRoot()]],
    ["none of the root", () => [ofIssuer()]],
    ["another key's", () => [ofRoot(), makeCrl({ ...sealing, subject: issuer.subject })]],
    ["another name's", () => [ofRoot(), ofIssuer({ name: root.subject })]],
    [
      "one that ended before the claimed time",
      () => [ofRoot(), ofIssuer({ thisUpdate: "2026-11-01T00:00:00Z", nextUpdate: "2026-11-10T00:00:00Z" })],
    ],
    ["an old one without an end", () => [ofRoot(), ofIssuer({ thisUpdate: "2026-11-01T00:00:00Z", nextUpdate: null })]],
    ["one from the verifier's future", () => [ofRoot(), ofIssuer({ thisUpdate: "2026-12-24T00:00:00Z" })]],
  ])("T11: is not known with %s", async (_, crls) => {
    const { codes, indication } = await found(crls());
    expect(codes).toContain("manifest.p7m REVOCATION");
    expect(indication).toMatchObject({ main: "INDETERMINATE", sub: "TRY_LATER" });
  });

  it("T11: is not known by the list of a CA that may not sign lists", async () => {
    const weak = issue(root, { name: "Weak CA", ca: true, keyUsage: ["keyCertSign"] });
    const auditor = issue(weak, { name: "Audit", key: audit.key, eku: ["1.3.6.1.4.1.32473.1.32"] });
    expect(readCertificate(auditor.certificate).issuerText).toContain("Weak CA");
    const crls = [ofRoot(), makeCrl(weak)];
    const trust = { roots: [root.certificate], at, crls };
    const { checkRevocation } = await import("../../../manifests/verify/revocation.ts");
    const path = [auditor, weak, root].map(({ certificate }) => readCertificate(certificate));
    const wanted = { crls: trust.crls, ocsp: [], claimed: at, now: at, minimumRsaBits: 2048 };
    await expect(checkRevocation(nodeHost, path, wanted)).rejects.toMatchObject({ code: "REVOCATION" });
  });

  it("T11: a list that was made after the seal answers for it, without an end too", async () => {
    const late = { thisUpdate: "2026-11-25T00:00:00Z", nextUpdate: null };
    expect((await found([ofRoot(late), ofIssuer(late)])).codes).toEqual([]);
  });

  it("T11: a list of 100,000 certificates is read whole, and only the one that is on it falls", async () => {
    const others = Array.from({ length: 100_000 }, (_, at) => Uint8Array.of(0x41, at >> 16, (at >> 8) & 255, at & 255));
    expect((await found([ofRoot(), ofIssuer({ revoked: others })])).codes).toEqual([]);
    const one = ofIssuer({ revoked: [...others, serialOf(sealing.certificate)] });
    expect((await found([ofRoot(), one])).codes).toContain("seals PATH-REVOKED");
  });
});

describe("a list", () => {
  const changed = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

  it.each<[string, string, () => Uint8Array]>([
    ["of version 1", "PATH-FORM", () => ofRoot({ version: 0 })],
    [
      "that changes another (delta)",
      "PATH-CRITICAL",
      () => ofRoot({ extension: { oid: "2.5.29.27", critical: true } }),
    ],
    [
      "of some certificates or reasons",
      "PATH-CRITICAL",
      () => ofRoot({ extension: { oid: "2.5.29.28", critical: true } }),
    ],
    [
      "of other issuers' certificates",
      "PATH-CRITICAL",
      () => ofRoot({ revoked: [Uint8Array.of(5)], extension: { oid: "2.5.29.29", critical: true, entry: true } }),
    ],
    ["that names one twice", "PATH-FORM", () => ofRoot({ revoked: [Uint8Array.of(5), Uint8Array.of(5)] })],
    ["that ends before it begins", "PATH-FORM", () => ofRoot({ nextUpdate: "2026-01-01T00:00:00Z" })],
    ["with two algorithms", "PATH-FORM", () => ofRoot({ algorithm: Uint8Array.of(0x30, 0) })],
    ["with something after its extensions", "PATH-FORM", () => ofRoot({ afterExtensions: new Uint8Array([5, 0]) })],
    ["with an extension twice", "PATH-FORM", () => ofRoot({ extension: { oid: "2.5.29.20", critical: false } })],
    ["that is cut off", "PATH-FORM", () => ofRoot().subarray(0, -1)],
    ["with bytes after its end", "PATH-FORM", () => Uint8Array.from([...ofRoot(), 0])],
    ["with a changed length", "PATH-FORM", () => changed(ofRoot(), 1)],
    ["that is a certificate", "PATH-FORM", () => root.certificate],
    ["that is nothing", "PATH-FORM", () => new Uint8Array(0)],
  ])("T11: %s is refused", (_, code, make) => {
    expect(() => readCrl(make())).toThrowError(expect.objectContaining({ code }));
  });

  it("T11: no byte of one can be changed without being found", async () => {
    const right = ofIssuer({ revoked: [Uint8Array.of(9)] });
    for (let at = 0; at < right.length; at += 5) {
      const { codes } = await found([ofRoot(), changed(right, at)]);
      expect(codes, `byte ${at}`).not.toEqual([]);
    }
  });
});

describe("OpenSSL and we", () => {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-crl-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };

  it("T11: say the same of a list, and of the certificates that are and are not on it", () => {
    const ca = makeRoot({ name: "CA" });
    const [good, bad] = [issue(ca, { name: "good" }), issue(ca, { name: "bad" })];
    const crl = makeCrl(ca, { revoked: [serialOf(bad.certificate)] });
    const [caFile, crlFile] = [write("ca.pem", pem(ca.certificate)), write("ca.crl", crl)];
    const pemFile = join(dir, "crl.pem");
    execFileSync("openssl", ["crl", "-inform", "DER", "-in", crlFile, "-CAfile", caFile, "-out", pemFile], {
      stdio: "pipe",
    });
    const verdicts = [good, bad].map(({ certificate }, at) => {
      const leaf = write(`${at}.pem`, pem(certificate));
      const words = ["verify", "-crl_check", "-attime", "1796000000", "-CAfile", caFile, "-CRLfile", pemFile, leaf];
      return spawnSync("openssl", words, { encoding: "utf8" }).status === 0;
    });
    const { revoked } = readCrl(crl);
    expect(verdicts).toEqual([true, false]);
    expect([good, bad].map(({ certificate }) => !revoked.has(serialOf(certificate).toHex()))).toEqual(verdicts);
  });
});
