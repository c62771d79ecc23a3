import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import forge from "node-forge";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pkcs12 } from "../../ceremony/provision/pkcs12.ts";
import { certify, makeRoot, pem, type TestRole } from "../../ceremony/provision/test-pki.ts";
import { openPkcs12 } from "../../desk/submitter-key.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, oid, ownOids } from "../../manifests/encoding/oid.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { issue, makeRoot as newRoot } from "../pki/authority.ts";

const oids = ownOids(documentationArc);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-pki-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const spkiOf = (key: { export(options: { type: "spki"; format: "der" }): Buffer }) =>
  new Uint8Array(key.export({ type: "spki", format: "der" }));

describe("the test PKI", () => {
  const root = makeRoot();
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

  it.each(["sealing", "audit", "operator", "submitter"] as TestRole[])(
    "T11: OpenSSL takes the path of a %s strictly",
    (role) => {
      const certificate = certify(root, oids, role, `a ${role}`, spkiOf(publicKey));
      const [ca, leaf] = [join(folder, "ca.crt"), join(folder, `${role}.crt`)];
      writeFileSync(ca, pem("CERTIFICATE", root.certificate));
      writeFileSync(leaf, pem("CERTIFICATE", certificate));
      const said = execFileSync("openssl", ["verify", "-x509_strict", "-CAfile", ca, leaf]).toString();
      expect(said).toContain("OK");
    },
  );

  it("T11: each role has its own extended key usage, and no leaf may issue", () => {
    const read = (role: TestRole) => readCertificate(certify(root, oids, role, "x", spkiOf(publicKey)));
    expect(read("sealing").extendedKeyUsage).toEqual([oids.sealing, oid.documentSigning]);
    expect(read("audit").extendedKeyUsage).toEqual([oids.audit]);
    expect(read("operator").extendedKeyUsage).toEqual([oids.operator]);
    expect(read("submitter").extendedKeyUsage).toEqual([oids.submitter]);
    expect(read("submitter").isCa).toBe(false);
    expect(readCertificate(root.certificate).isCa).toBe(true);
  });
});

describe("the submitter's PKCS#12", () => {
  const root = makeRoot();
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const certificate = certify(root, oids, "submitter", "Contracts desk", spkiOf(publicKey));
  const file = pkcs12(privateKey, [certificate, root.certificate], "Contracts desk", "correct-horse");

  it("OpenSSL 3 reads key and certificates without -legacy, and refuses another password", () => {
    const path = join(folder, "s.p12");
    writeFileSync(path, file);
    const pass = join(folder, "pass");
    const read = (password: string) => {
      writeFileSync(pass, password);
      return execFileSync("openssl", ["pkcs12", "-in", path, "-passin", `file:${pass}`, "-nodes", "-info"], {
        stdio: ["ignore", "pipe", "pipe"],
      }).toString();
    };
    const text = read("correct-horse");
    expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(text).toContain("BEGIN PRIVATE KEY");
    expect(() => read("wrong")).toThrow();
    expect(readFileSync(path).includes(Buffer.from(privateKey.export({ type: "pkcs8", format: "der" })))).toBe(false);
  });

  it("SAME-BYTES: the desk gets key and certificates back byte for byte", () => {
    const opened = openPkcs12(file, utf8("correct-horse"), "sha256");
    expect(opened.certificate).toEqual(certificate);
    expect(opened.chain).toEqual([root.certificate]);
  });

  it("CONFIG: a certificate that node-forge would write otherwise is refused, not changed", () => {
    const signedByEcdsa = issue(newRoot({ name: "EC root" }), { name: "x", suite: "rsa-pkcs1-sha256", rsaBits: 2048 });
    expect(() => pkcs12(signedByEcdsa.key, [signedByEcdsa.certificate], "x", "y")).toThrow(
      expect.objectContaining({ code: "CONFIG" }),
    );
  });

  it("node-forge reads it, and refuses another password", () => {
    const open = (password: string) =>
      forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(Buffer.from(file).toString("binary")), password);
    const bags = open("correct-horse").safeContents.flatMap((content) => content.safeBags);
    expect(bags.filter((bag) => bag.key)).toHaveLength(1);
    expect(() => open("wrong")).toThrow();
  });
});
