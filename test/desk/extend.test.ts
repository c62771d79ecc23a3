import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, nodeHost, sha256 } from "../../host/crypto-host.ts";
import { unsignedValues, withUnsigned } from "../../manifests/cms/unsigned-attributes.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { octetString } from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { readSeal, sealFile } from "../../manifests/records/seal.ts";
import { verifySeal } from "../../manifests/verify/seal.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { oids, root } from "../bundle/people.ts";
import { pem } from "../pki/authority.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import { makeToken, makeTsa, tsaRoot } from "../pki/tsa.ts";
import { isHere, verifiers } from "../verifiers/all.ts";
import { refusalBy } from "../verifiers/verifier.ts";

let dir: string;
let bundle: Bundle;
let tsa: TestTsa;
let other: TestTsa;
let seal: Uint8Array;
const name = "contract 0113.pdf";
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-extend-"));
  bundle = await buildBundle();
  [tsa, other] = await Promise.all([openTsa(), openTsa(makeTsa({ name: "another authority" }))]);
  const [path = ""] = [...bundle.files.keys()].filter((one) => one.startsWith("seals/")).sort();
  seal = bundle.files.get(path) as Uint8Array;
  writeFileSync(join(dir, "ca.crt"), pem(root.certificate));
  writeFileSync(join(dir, "document"), bundle.documents.get(name) as Uint8Array);
  writeFileSync(join(dir, "seal.p7s"), seal);
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
const extend = (to: string, from: string, ...more: readonly string[]) =>
  coldseal("extend", from, "--to", join(dir, to), "--tsa-ca", tsa.ca, ...more);

/** What our verifier says of a seal with these unsigned attributes. */
async function verdictOf(file: Uint8Array, authorities = [tsaRoot.certificate]) {
  const documentDigest = async (hash: "sha256" | "sha384" | "sha512") =>
    digestOf(hash, bundle.documents.get(name) as Uint8Array);
  return verifySeal(nodeHost, { seal: file, documentDigest }, { roots: [root.certificate], authorities });
}
const withToken = (token: Uint8Array, file = seal) => {
  const { certificates, signer } = readSeal(file, oids);
  return sealFile({ certificates, signerInfo: withUnsigned(signer, [{ oid: oid.signatureTimeStamp, value: token }]) });
};
const signatureOf = (file: Uint8Array) => readSeal(file, oids).signer.signature;

describe("coldseal extend", () => {
  it("TIME-IMPRINT: writes the seal with a time-stamp over its signature, and changes nothing that was signed", async () => {
    const { status, out, err } = await extend("one", join(dir, "seal.p7s"), "--tsa", tsa.url);
    expect([status, err, out]).toEqual([0, "", expect.stringContaining("Written: ")]);
    const file = new Uint8Array(readFileSync(join(dir, "one/seal.p7s")));
    const [before, after] = [readSeal(seal, oids), readSeal(file, oids)];
    expect(hex(sha256(after.signer.core))).toBe(hex(sha256(before.signer.core)));
    expect(after.certificates).toEqual(before.certificates);
    const words = ["verify", join(dir, "one/seal.p7s"), join(dir, "document"), "--ca", join(dir, "ca.crt")];
    const told = await coldseal(...words, "--tsa-ca", tsa.ca);
    expect([told.status, told.out.replace(/\s+/g, " ")]).toEqual([
      0,
      expect.stringMatching(/existed by 20\d\d-[^ ]* at the latest, by time-stamps that hold/),
    ]);
    expect(told.out).not.toContain("unsigned attributes");
    const again = await extend("one", join(dir, "seal.p7s"), "--tsa", tsa.url);
    expect([again.status === 0, new Uint8Array(readFileSync(join(dir, "one/seal.p7s")))]).toEqual([false, file]);
  });

  it.each(verifiers.filter(isHere))("HONEST: $name takes a seal with time-stamps of two authorities", async (kind) => {
    const { status } = await extend(kind.name, join(dir, "seal.p7s"), "--each", "--tsa", tsa.url, other.url);
    expect(status).toBe(0);
    const file = { signed: join(dir, kind.name, "seal.p7s"), document: join(dir, "document") };
    expect(await refusalBy(kind, join(dir, "ca.crt"), file)).toBeUndefined();
  });

  it("TSA-ANSWER: several authorities side by side, and more later; OpenSSL takes each token by itself", async () => {
    await extend("two", join(dir, "seal.p7s"), "--each", "--tsa", tsa.url, other.url);
    await extend("three", join(dir, "two/seal.p7s"), "--tsa", tsa.url);
    const file = new Uint8Array(readFileSync(join(dir, "three/seal.p7s")));
    const { times, ok } = await verdictOf(file);
    expect([ok, times.map(({ discounted }) => discounted)]).toEqual([true, [null, null, null]]);
    for (const [at, token] of unsignedValues(readSeal(file, oids).signer, oid.signatureTimeStamp).entries()) {
      const path = join(dir, `token-${at}`);
      writeFileSync(path, token);
      const digest = hex(sha256(signatureOf(seal)));
      const args = ["ts", "-verify", "-token_in", "-in", path, "-digest", digest, "-CAfile", tsa.ca];
      const said = await new Promise<string>((resolve) => {
        execFile("openssl", args, (_fault, out, err) => resolve(`${out}${err}`));
      });
      expect(said).toContain("Verification: OK");
    }
  });

  it("TSA-ANSWER: where no authority answers nothing is written; what is no seal is refused", async () => {
    tsa.instead.push(() => ({ status: 500 }));
    const { status, err } = await extend("none", join(dir, "seal.p7s"), "--tsa", tsa.url);
    expect([status, readdirSync(join(dir, "none"))]).toEqual([3, []]);
    expect(err).toContain("TSA-ANSWER");
    mkdirSync(join(dir, "not"), { recursive: true });
    expect((await extend("not", join(dir, "document"), "--tsa", tsa.url)).status).not.toBe(0);
    expect((await extend("not", join(dir, "missing"), "--tsa", tsa.url)).status).toBe(2);
    expect(readdirSync(join(dir, "not"))).toEqual([]);
  });
});

describe("a time-stamp in a seal", () => {
  it.each<[string, string, () => Promise<Uint8Array>]>([
    ["over another signature", "TIME-IMPRINT", () => makeToken({ over: utf8("another") })],
    ["from before the seal", "TIME-ORDER", () => makeToken({ over: signatureOf(seal), time: "2026-11-20T11:59:59Z" })],
    [
      "of an authority that may do more",
      "TIME-TSA",
      () => makeToken({ over: signatureOf(seal), by: makeTsa({ extensions: [] }) }),
    ],
    ["that is none", "TIME-FORM", async () => octetString(utf8("a token"))],
  ])("TIME-IMPRINT: %s is told and does not count; the seal holds as before", async (_what, code, token) => {
    const { ok, provenTime, times } = await verdictOf(withToken(await token()));
    expect([ok, provenTime]).toEqual([true, null]);
    expect(times).toMatchObject([{ file: "signature-time-stamp 1", discounted: expect.stringContaining(code) }]);
  });

  it("TIME-IMPRINT: no root of an authority, or another one, and it does not count", async () => {
    const file = withToken(await makeToken({ over: signatureOf(seal) }));
    expect((await verdictOf(file)).provenTime).toBe("2026-11-24T09:00:00Z");
    const { ok, provenTime, times } = await verdictOf(file, [root.certificate]);
    expect([ok, provenTime, times[0]?.discounted]).toEqual([true, null, expect.stringContaining("PATH-ROOT")]);
  });

  it("TIME-FORM: of many only a few are looked at, and that is said", async () => {
    let file = seal;
    for (let at = 0; at < 10; at++) file = withToken(await makeToken({ over: utf8(`another ${at}`) }), file);
    const { ok, times } = await verdictOf(file);
    expect([ok, times.length, times.at(-1)]).toEqual([
      true,
      9,
      expect.objectContaining({ file: "2 more of them", discounted: expect.stringContaining("TIME-FORM") }),
    ]);
  });

  it("TIME-FORM: what is no element in the place of a token is a finding, and ends nothing untyped", async () => {
    const file = withToken(await makeToken({ over: signatureOf(seal) }));
    const start = Buffer.from(file).indexOf(Buffer.from("060b2a864886f70d010910020e3182", "hex"));
    expect(start).toBeGreaterThan(0);
    const broken = file.slice();
    broken[start + 17] = 0;
    expect((await verdictOf(broken)).findings.map(({ code }) => code)).toEqual(["DER"]);
  });

  it("TIME-IMPRINT: a good one beside a bad one counts, whatever their order", async () => {
    const good = await makeToken({ over: signatureOf(seal) });
    const bad = await makeToken({ over: utf8("another") });
    for (const file of [withToken(good, withToken(bad)), withToken(bad, withToken(good))]) {
      const { ok, provenTime, times } = await verdictOf(file);
      expect([ok, provenTime, times.length]).toEqual([true, "2026-11-24T09:00:00Z", 2]);
    }
  });
});
