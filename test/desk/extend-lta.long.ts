import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../host/crypto-host.ts";
import { withoutRevocation } from "../../manifests/cms/revocation-values.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readSeal } from "../../manifests/records/seal.ts";
import { verifySeal } from "../../manifests/verify/seal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { issuer, oids, root, sealing } from "../bundle/people.ts";
import { withArchive } from "../pki/archive.ts";
import { type Issued, issue, pem } from "../pki/authority.ts";
import { makeCrl } from "../pki/crl.ts";
import { makeOcsp } from "../pki/ocsp.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import { tsa as authority, makeTsa, tsaRoot } from "../pki/tsa.ts";
import { archivesByHand } from "../time/archive-by-hand.ts";
import { isHere, verifiers } from "../verifiers/all.ts";
import { refusalBy } from "../verifiers/verifier.ts";

let dir: string;
let bundle: Bundle;
let tsa: TestTsa;
let other: TestTsa;
let seal: Uint8Array;
let document: Uint8Array;
const sub = issue(tsaRoot, { name: "time sub CA", ca: true });
/** Lists that answer for today, whenever this runs. */
const today = { thisUpdate: "2026-11-21T00:00:00Z", nextUpdate: "2039-01-01T00:00:00Z" };
const revoking = (by: Issued, who: Issued) =>
  makeCrl(by, { ...today, revoked: [readCertificate(who.certificate).serial] });
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-extend-lta-"));
  bundle = await buildBundle();
  const by = makeTsa({ suite: "rsa-pkcs1-sha256", name: "another authority" }, sub);
  [tsa, other] = await Promise.all([openTsa(), openTsa(by, [by, sub])]);
  const [path = ""] = [...bundle.files.keys()].filter((one) => one.startsWith("seals/")).sort();
  seal = bundle.files.get(path) as Uint8Array;
  document = bundle.documents.get("contract 0113.pdf") as Uint8Array;
  const put = (file: string, bytes: Uint8Array | string) => writeFileSync(join(dir, file), bytes);
  put("ca.crt", pem(root.certificate));
  put("document", document);
  put("another", "another document");
  put("seal.p7s", seal);
  put("root.crl", makeCrl(root, today));
  put("issuer.crl", makeCrl(issuer, today));
  put("tsa.crl", makeCrl(tsaRoot, today));
  put("sub.crl", makeCrl(sub, today));
  put("revoked.crl", revoking(issuer, sealing));
  put("tsa-revoked.crl", revoking(tsaRoot, authority));
  put("issuer.ors", makeOcsp(issuer, [{ certificate: sealing.certificate, ...today }]));
});
beforeEach(() => {
  tsa.instead.length = 0;
});
afterAll(() => {
  for (const one of [tsa, other]) one?.end();
  rmSync(dir, { recursive: true, force: true });
});

const coldseal = (...words: readonly string[]) =>
  new Promise<{ status: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, ["desk/main.ts", ...words], (fault, out, err) => {
      resolve({ status: fault ? Number(fault.code) : 0, out, err });
    });
  });
const paths = (words: readonly string[]) =>
  words.map((word) => (/^(--|https?:|sha)/.test(word) ? word : join(dir, word)));
const extend = (to: string, from: string, ...more: readonly string[]) =>
  coldseal("extend", ...paths([from]), "--to", join(dir, to), "--tsa-ca", tsa.ca, ...paths(more));
const first = () => ["--tsa", tsa.url];
const longTerm = ["--ca", "ca.crt", "--crl", "root.crl", "issuer.crl", "tsa.crl", "sub.crl"] as const;
const written = (to: string) => new Uint8Array(readFileSync(join(dir, to, "seal.p7s")));
const folders = () => readdirSync(dir).sort();
const verdictOf = (file: Uint8Array, authorities = [tsaRoot.certificate]) =>
  verifySeal(
    nodeHost,
    { seal: file, documentDigest: async (hash) => digestOf(hash, document) },
    { roots: [root.certificate], authorities },
  );
const covers = (file: Uint8Array) =>
  verdictOf(file).then(({ times }) => times.map(({ discounted, over, renewals }) => ({ discounted, over, renewals })));

describe("coldseal extend, CAdES-B-LTA", () => {
  it("TIME-IMPRINT: makes it of the box's seal; a further run adds another over it; verify says what each proves", async () => {
    const { status, out, err } = await extend("one", "seal.p7s", ...first(), ...longTerm, "--archive");
    expect([status, err, out]).toEqual([0, "", expect.stringContaining("(CAdES-B-LTA)")]);
    const whole = { certificates: 2, crls: 4, attributes: 1, leftOut: [] };
    expect(await covers(written("one"))).toEqual([
      { discounted: null, over: undefined, renewals: 1 },
      { discounted: null, over: whole, renewals: 0 },
    ]);
    const again = await extend("two", "one/seal.p7s", "--tsa", other.url, ...longTerm, "--archive");
    expect([again.status, again.err]).toEqual([0, ""]);
    expect(await covers(written("two"))).toEqual([
      { discounted: null, over: undefined, renewals: 2 },
      { discounted: null, over: whole, renewals: 1 },
      { discounted: null, over: { ...whole, attributes: 2 }, renewals: 0 },
    ]);
    for (const folder of ["one", "two"]) {
      const before = readSeal(seal, oids).signer.core;
      expect(readSeal(withoutRevocation(written(folder)).base, oids).signer.core).toEqual(before);
      for (const { expected, imprint } of archivesByHand(written(folder), document)) expect(imprint).toBe(expected);
    }
    const words = [join(dir, "two/seal.p7s"), join(dir, "document"), "--ca", join(dir, "ca.crt"), "--tsa-ca", tsa.ca];
    const told = (await coldseal("verify", ...words)).out.replace(/\s+/g, " ");
    expect(told).toContain(
      "(archive-time-stamp 2, over document, signature, 2 certificates, 4 CRLs and OCSP responses and 2 attributes)",
    );
    expect(told).not.toContain("unsigned attributes");
    expect((await coldseal("inspect", join(dir, "two/seal.p7s"))).out).toMatch(/archived by +2 archive time-stamps/);
  });

  it.each(verifiers.filter(isHere))("HONEST: $name takes one with two archive time-stamps", async (kind) => {
    const file = { signed: join(dir, "two/seal.p7s"), document: join(dir, "document") };
    expect(await refusalBy(kind, join(dir, "ca.crt"), file)).toBeUndefined();
  });

  it("TIME-IMPRINT: of copies of B-T and B-LT it keeps the time-stamp that is there; with OCSP responses too", async () => {
    await extend("t", "seal.p7s", ...first());
    const asked = tsa.asked();
    await extend("t-lta", "t/seal.p7s", ...first(), ...longTerm, "--archive");
    expect(tsa.asked()).toBe(asked + 1);
    await extend("lt", "seal.p7s", ...first(), ...longTerm);
    const words = ["--ca", "ca.crt", "--crl", "root.crl", "tsa.crl", "--ocsp", "issuer.ors"];
    await extend("lt-lta", "lt/seal.p7s", ...first(), ...words, "--archive");
    for (const [folder, crls] of [
      ["t-lta", 4],
      ["lt-lta", 5],
    ] as const) {
      expect(await covers(written(folder))).toMatchObject([{ renewals: 1 }, { over: { crls, leftOut: [] } }]);
    }
  });

  it("TIME-IMPRINT: by another hash, of the document itself", async () => {
    const words = [...first(), ...longTerm, "--archive", "--hash", "sha512"];
    const { status } = await extend("sha512", "seal.p7s", ...words, "--document", "another", "document");
    const [archived] = archivesByHand(written("sha512"), document);
    expect([status, archived?.hash, archived?.imprint]).toEqual([0, "sha512", archived?.expected]);
    expect((await covers(written("sha512")))[1]).toMatchObject({ discounted: null, over: { leftOut: [] } });
    for (const more of [[], ["--document", "another"]]) {
      const refused = await extend("no-sha512", "seal.p7s", ...words, ...more);
      expect([refused.status, readdirSync(join(dir, "no-sha512"))]).toEqual([2, []]);
      expect(refused.err).toContain("the document of a seal is needed for its sha512");
    }
    expect((await extend("no-sha512", "seal.p7s", ...words, "--document", "missing")).err).toContain(
      "DOCUMENT-MISSING",
    );
  });

  it.each<[number, string, string, () => readonly string[]]>([
    [2, "USAGE", "no lists", () => ["seal.p7s", ...first(), "--archive"]],
    [2, "USAGE", "a hash of nothing", () => ["seal.p7s", ...first(), ...longTerm, "--hash", "sha512"]],
    [2, "USAGE", "a time-stamp outside of the archive's", () => ["one/seal.p7s", ...first()]],
    [2, "USAGE", "lists outside of it", () => ["one/seal.p7s", ...first(), ...longTerm]],
    [
      4,
      "REVOCATION",
      "the last authority has no answer",
      () => ["with-other/seal.p7s", ...first(), ...longTerm.slice(0, -1), "--archive"],
    ],
    [
      1,
      "PATH-REVOKED",
      "the last authority was revoked meanwhile",
      () => ["one/seal.p7s", ...first(), ...longTerm.slice(0, -2), "tsa-revoked.crl", "--archive"],
    ],
    [
      1,
      "PATH-REVOKED",
      "the seal was revoked before",
      () => ["one/seal.p7s", ...first(), ...longTerm, "revoked.crl", "--archive"],
    ],
    [
      3,
      "TSA-ANSWER",
      "no authority answers",
      () => ["one/seal.p7s", "--tsa", "http://127.0.0.1:1/", ...longTerm, "--archive"],
    ],
  ])("exit %i, %s: %s: nothing is written", async (status, code, _what, words) => {
    const to = `refused-${Math.random()}`;
    if (!folders().includes("with-other")) await extend("with-other", "seal.p7s", "--tsa", other.url);
    const [from = "", ...more] = words();
    const told = await extend(to, from, ...more);
    expect([told.status, told.err]).toEqual([status, expect.stringContaining(code)]);
    expect(folders().includes(to) ? readdirSync(join(dir, to)) : []).toEqual([]);
  });

  it("TIME-FORM: as many as a verifier reads, and no more", async () => {
    let file: Uint8Array = written("one");
    for (let at = 2; at <= 15; at++) file = await withArchive(file, { document, time: utcOf(Date.now()) });
    writeFileSync(join(dir, "many.p7s"), file);
    const { ok, times } = await verdictOf(file);
    expect([ok, times.length, times.filter(({ discounted }) => discounted === null)]).toEqual([true, 16, times]);
    const { status, err } = await extend("too-many", "many.p7s", ...first(), ...longTerm, "--archive");
    expect([status, err]).toEqual([2, expect.stringContaining("as many unsigned attributes as it may have")]);
  });
});
