import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import {
  certificateAlgorithm,
  digestAlgorithm,
  readCertificateAlgorithm,
  readSuite,
  signatureAlgorithm,
} from "../../../manifests/cms/algorithm.ts";
import { checkSignature } from "../../../manifests/cms/signature.ts";
import { suiteNames, suiteOf } from "../../../manifests/cms/suite.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { der, derNull, explicit, integer, objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { withNullAdded } from "../encoding/variants.ts";
import { codeOf, signerFor } from "./envelopes.ts";

const sha256 = digestAlgorithm("sha256");
const sha384 = digestAlgorithm("sha384");
const sha1 = sequence(objectIdentifier("1.3.14.3.2.26"));
const bytes = (text: string): Uint8Array => Uint8Array.fromHex(text);

function pss(parameters: readonly Uint8Array[]): Uint8Array {
  return sequence(objectIdentifier(oid.rsaPss), sequence(...parameters));
}

const mgf = (digest: Uint8Array, name: string = oid.mgf1): Uint8Array =>
  explicit(1, sequence(objectIdentifier(name), digest));
const salt = (length: number): Uint8Array => explicit(2, integer(length));

describe("T9: algorithms", () => {
  it("T9: each suite is read from what is written for it, in a SignerInfo and in a certificate", () => {
    for (const name of suiteNames) {
      const suite = suiteOf(name);
      expect(readSuite(digestAlgorithm(suite.hash), signatureAlgorithm(suite))).toEqual(suite);
      expect(readSuite(digestAlgorithm(suite.hash), certificateAlgorithm(suite))).toEqual(suite);
      expect(readCertificateAlgorithm(certificateAlgorithm(suite))).toEqual(suite);
    }
  });

  it("T9: the bytes of the RFCs (RFC 4055 3.1, RFC 5754 3.2 and 3.3)", () => {
    const encoded = (name: (typeof suiteNames)[number]): string => signatureAlgorithm(suiteOf(name)).toHex();
    expect(encoded("rsa-pkcs1-sha512")).toBe("300d06092a864886f70d0101010500");
    expect(encoded("ecdsa-p384-sha384")).toBe("300a06082a8648ce3d040303");
    const digest = "300d06096086480165030402010500";
    expect(encoded("rsa-pss-sha256")).toBe(
      `304106092a864886f70d01010a3034a00f${digest}a11c301a06092a864886f70d010108${digest}a203020120`,
    );
    expect(sha256.toHex()).toBe("300b0609608648016503040201");
  });

  it("T9: PSS digests may leave their NULL out (RFC 4055 2.1)", () => {
    expect(readSuite(sha256, pss([explicit(0, sha256), mgf(sha256), salt(32)]))).toEqual(suiteOf("rsa-pss-sha256"));
  });

  const bad: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
    ["a digest that disagrees with ECDSA", sha384, signatureAlgorithm(suiteOf("ecdsa-p256-sha256"))],
    ["a digest that disagrees with RSA", sha256, certificateAlgorithm(suiteOf("rsa-pkcs1-sha512"))],
    ["a digest that disagrees with PSS", sha384, signatureAlgorithm(suiteOf("rsa-pss-sha256"))],
    ["SHA-1", sha1, signatureAlgorithm(suiteOf("rsa-pkcs1-sha256"))],
    ["SHA-1 with RSA", sha256, sequence(objectIdentifier("1.2.840.113549.1.1.5"), derNull)],
    ["Ed25519", sha256, sequence(objectIdentifier("1.3.101.112"))],
    ["rsaEncryption without NULL", sha256, sequence(objectIdentifier(oid.rsaEncryption))],
    ["ECDSA with NULL", sha256, sequence(objectIdentifier(oid.ecdsaWithSha256), derNull)],
    ["PSS without parameters", sha256, sequence(objectIdentifier(oid.rsaPss))],
    ["PSS by defaults, which are SHA-1", sha256, pss([])],
    ["PSS without mask", sha256, pss([explicit(0, sha256), salt(32)])],
    ["PSS without salt length", sha256, pss([explicit(0, sha256), mgf(sha256)])],
    ["PSS digest and mask that disagree", sha256, pss([explicit(0, sha256), mgf(sha384), salt(32)])],
    ["PSS with a mask of SHA-1", sha256, pss([explicit(0, sha256), mgf(sha1), salt(32)])],
    ["PSS with another mask function", sha256, pss([explicit(0, sha256), mgf(sha256, "1.2.3"), salt(32)])],
    ["PSS with a salt of 20 bytes", sha256, pss([explicit(0, sha256), mgf(sha256), salt(20)])],
    ["PSS with an empty salt", sha256, pss([explicit(0, sha256), mgf(sha256), salt(0)])],
    [
      "PSS with the default trailer written out",
      sha256,
      pss([explicit(0, sha256), mgf(sha256), salt(32), explicit(3, integer(1))]),
    ],
    ["PSS with another trailer", sha256, pss([explicit(0, sha256), mgf(sha256), salt(32), explicit(3, integer(2))])],
  ];
  for (const [title, digest, signature] of bad) {
    it(`CMS-ALGORITHM: ${title}`, async () => {
      await expect(codeOf(() => readSuite(digest, signature))).resolves.toBe("CMS-ALGORITHM");
    });
  }

  it("CMS-ALGORITHM: anything added to any part of an identifier, and a NULL with content", async () => {
    for (const name of suiteNames) {
      const suite = suiteOf(name);
      const digest = digestAlgorithm(suite.hash);
      for (const changed of withNullAdded(signatureAlgorithm(suite))) {
        // a digest inside PSS parameters may have one NULL; those that are written have it already
        expect(await codeOf(() => readSuite(digest, changed))).toBe("CMS-ALGORITHM");
      }
      const [withNull, ...none] = withNullAdded(digest);
      expect(none).toEqual([]);
      expect(readSuite(withNull as Uint8Array, signatureAlgorithm(suite))).toEqual(suite);
      const [twice] = withNullAdded(withNull as Uint8Array);
      expect(await codeOf(() => readSuite(twice as Uint8Array, signatureAlgorithm(suite)))).toBe("CMS-ALGORITHM");
    }
    const full = der(0x05, bytes("00"));
    expect(await codeOf(() => readSuite(sequence(objectIdentifier(oid.sha256), full), sha256))).toBe("DER");
    expect(await codeOf(() => readSuite(sha256, sequence(objectIdentifier(oid.rsaEncryption), full)))).toBe("DER");
    expect(await codeOf(() => readSuite(concat([sha256, derNull]), sha256))).toBe("CMS-ALGORITHM");
  });

  it("CMS-SIGNATURE: an RSA signature of another length than its modulus is refused before the host is asked", async () => {
    const { spki, suite } = signerFor("rsa-pss-sha256");
    let asked = 0;
    const trusting = {
      ...nodeHost,
      verify: async () => {
        asked += 1;
        return true;
      },
    };
    const check = (length: number) =>
      codeOf(() => checkSignature(trusting, { suite, spki, message: sha256, signature: new Uint8Array(length) }));
    for (const length of [0, 256, 383, 385, 512]) expect(await check(length)).toBe("CMS-SIGNATURE");
    expect(asked).toBe(0);
    expect(await check(384)).toBe("accepted");
    expect(asked).toBe(1);
  });
});
