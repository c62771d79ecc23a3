import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signDigest } from "../../../manifests/cms/sign.ts";
import { type SuiteName, suiteNames } from "../../../manifests/cms/suite.ts";
import { mergeSignedData, signedData } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { type Issued, pem } from "../../pki/authority.ts";
import { at, body, codeOf, root, signed, signerFor, type, verifyAll, verifyOne } from "./envelopes.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-cms-"));
  put("ca.crt", pem(root.certificate));
  put("body", body);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** What the README tells a person to type. */
function opensslVerifies(signature: Uint8Array, ...more: readonly string[]): boolean {
  const file = put("in.p7", signature);
  const trust = ["-CAfile", join(folder, "ca.crt"), "-purpose", "any", "-out", "/dev/null"];
  try {
    execFileSync("openssl", ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", file, ...more, ...trust], {
      stdio: "pipe",
    });
    return true;
  } catch {
    return false;
  }
}

function opensslSigns(signer: Issued, ...options: readonly string[]): Uint8Array {
  const certificate = put("signer.crt", pem(signer.certificate));
  const key = put("signer.key", signer.key.export({ type: "pkcs8", format: "pem" }) as string);
  const out = join(folder, "out.p7");
  const common = ["cms", "-sign", "-binary", "-in", join(folder, "body"), "-signer", certificate, "-inkey", key];
  execFileSync("openssl", [...common, "-outform", "DER", "-out", out, ...options], { stdio: "pipe" });
  return new Uint8Array(readFileSync(out));
}

describe("OpenSSL reads what we write", () => {
  for (const suite of suiteNames) {
    it(`SEAL-BIND: ${suite}, with content and detached`, async () => {
      const bytes = await signed(suite);
      expect(opensslVerifies(bytes)).toBe(true);
      expect(() =>
        execFileSync("openssl", ["asn1parse", "-inform", "DER", "-in", put("any.der", bytes)], { stdio: "pipe" }),
      ).not.toThrow();

      const signer = signerFor(suite);
      const messageDigest = digestOf(signer.suite.hash, body);
      const info = await signDigest(nodeHost, signer.signingKey, {
        eContentType: oid.data,
        messageDigest,
        signingTime: at,
      });
      const detached = signedData({ eContentType: oid.data, certificates: [signer.certificate], signerInfos: [info] });
      expect(opensslVerifies(detached, "-content", join(folder, "body"))).toBe(true);
      expect(opensslVerifies(detached, "-content", put("other", "other"))).toBe(false);
    });
  }

  it("QUORUM: a merge of signers of different suites", async () => {
    const names: readonly SuiteName[] = ["ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsa-pkcs1-sha512"];
    const parts = await Promise.all(names.map(async (name) => readSignedData(await signed(name))));
    expect(opensslVerifies(mergeSignedData(parts))).toBe(true);
  });
});

describe("We read what OpenSSL writes", () => {
  const pss = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
  const made: readonly (readonly [string, SuiteName, readonly string[]])[] = [
    ["RSA PKCS#1 v1.5", "rsa-pkcs1-sha256", ["-md", "sha256"]],
    ["RSA PKCS#1 v1.5 with SHA-512", "rsa-pkcs1-sha512", ["-md", "sha512"]],
    ["RSA PSS", "rsa-pss-sha256", ["-md", "sha256", ...pss]],
    ["RSA PSS with SHA-384", "rsa-pss-sha384", ["-md", "sha384", ...pss]],
    ["P-256", "ecdsa-p256-sha256", ["-md", "sha256"]],
    ["P-384", "ecdsa-p384-sha384", ["-md", "sha384"]],
  ];
  for (const [title, suite, options] of made) {
    it(`T6: ${title}, detached, with content and with a type of its own`, async () => {
      const signer = signerFor(suite);
      const common = ["-nosmimecap", "-cades", ...options];
      const detached = readSignedData(opensslSigns(signer, ...common));
      expect(detached.signers[0]?.suite.name).toBe(suite);
      await expect(verifyOne(detached)).resolves.toMatchObject({ certificate: { der: signer.certificate } });
      await expect(verifyOne(detached, 0, utf8("other"))).rejects.toMatchObject({ code: "CMS-DIGEST" });
      await expect(codeOf(() => verifyAll(opensslSigns(signer, "-nodetach", ...common)))).resolves.toBe("accepted");
      const typed = opensslSigns(signer, "-nodetach", "-econtent_type", type, ...common);
      await expect(codeOf(() => verifyAll(typed))).resolves.toBe("accepted");
    });
  }

  const refused: readonly (readonly [string, string, SuiteName, readonly string[]])[] = [
    ["no signed attributes", "CMS-ATTRIBUTES", "rsa-pkcs1-sha256", ["-noattr"]],
    ["no signing certificate", "CMS-ATTRIBUTES", "ecdsa-p256-sha256", []],
    ["SHA-1", "CMS-ALGORITHM", "rsa-pkcs1-sha256", ["-md", "sha1", "-cades"]],
    [
      "PSS with the longest salt",
      "CMS-ALGORITHM",
      "rsa-pss-sha256",
      ["-md", "sha256", "-cades", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:max"],
    ],
    ["P-384 with SHA-256", "CMS-ALGORITHM", "ecdsa-p384-sha384", ["-md", "sha256", "-cades"]],
    ["a signer named by key identifier", "CMS-FORM", "ecdsa-p256-sha256", ["-keyid", "-cades"]],
    ["no certificate", "CMS-CERTIFICATE", "ecdsa-p256-sha256", ["-nocerts", "-cades"]],
    ["indefinite lengths", "DER", "ecdsa-p256-sha256", ["-stream", "-nodetach", "-cades"]],
  ];
  for (const [title, code, suite, options] of refused) {
    it(`${code}: ${title}`, async () => {
      const bytes = opensslSigns(signerFor(suite), "-nosmimecap", ...options);
      await expect(codeOf(() => verifyAll(bytes))).resolves.toBe(code);
    });
  }
});
