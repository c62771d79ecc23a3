import { createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certificateAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { suiteNames, suiteOf } from "../../../manifests/cms/suite.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { content, DerReader, tag, whole } from "../../../manifests/encoding/der-read.ts";
import {
  bitString,
  boolean,
  der,
  derNull,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  utf8String,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { issuerAndSerial, readCertificate } from "../../../manifests/x509/certificate.ts";
import { readPublicKey } from "../../../manifests/x509/key.ts";
import { nameText } from "../../../manifests/x509/name.ts";
import { type Extension, issue, makeRoot, type Wanted } from "../../pki/authority.ts";
import { withNullAdded } from "../encoding/variants.ts";

const root = makeRoot({ name: "Root" });
const leaf = issue(root, { name: "Désk, One", eku: ["1.2.3"], notAfter: "2050-01-01T00:00:00Z" });

const bytes = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));
const code = (read: () => unknown): string => {
  try {
    read();
    return "accepted";
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : `threw ${String(thrown)}`;
  }
};

const directoryName = explicit(4, root.subject);

const everyExtension: readonly Extension[] = [
  { oid: oid.basicConstraints, critical: true, value: sequence(boolean(true), integer(1)) },
  { oid: oid.keyUsage, critical: true, value: bytes("03020106") },
  { oid: oid.subjectKeyIdentifier, value: octetString(bytes("0102")) },
  {
    oid: oid.authorityKeyIdentifier,
    value: sequence(der(0x80, bytes("01")), explicit(1, directoryName), der(0x82, bytes("01"))),
  },
  { oid: "2.5.29.17", value: sequence(directoryName, der(0x82, utf8("a.example"))) },
  {
    oid: oid.nameConstraints,
    value: sequence(explicit(0, sequence(directoryName)), explicit(1, sequence(der(0x82, utf8("b"))))),
  },
];

/** The certificate and its key. */
function readAll(certificate: Uint8Array): void {
  readPublicKey(readCertificate(certificate).spki);
}

describe("PATH-FORM: certificates", () => {
  it("PATH-FORM: reads the members of a certificate", () => {
    const read = readCertificate(leaf.certificate);
    expect(read).toMatchObject({
      subjectText: "CN=Désk\\, One,O=Coldseal test",
      issuerText: "CN=Root,O=Coldseal test",
      notBefore: "2020-01-01T00:00:00Z",
      notAfter: "2050-01-01T00:00:00Z",
      keyUsage: ["digitalSignature", "nonRepudiation"],
      extendedKeyUsage: ["1.2.3"],
      isCa: false,
      pathLength: undefined,
      criticalOids: [oid.basicConstraints, oid.keyUsage],
      signatureSuite: suiteOf("ecdsa-p256-sha256"),
    });
    expect(read.spki).toEqual(new Uint8Array(createPublicKey(leaf.key).export({ type: "spki", format: "der" })));
    expect(read.authorityKeyIdentifier).toEqual(readCertificate(root.certificate).subjectKeyIdentifier);
    expect(issuerAndSerial(leaf.certificate)).toEqual({ issuer: read.issuer, serial: read.serial });
  });

  it("PATH-FORM: reads a CA's path length and every bit of a key usage", () => {
    const usages = ["digitalSignature", "keyAgreement", "keyCertSign", "decipherOnly"] as const;
    const ca = makeRoot({ name: "CA", pathLength: 3, keyUsage: usages });
    expect(readCertificate(ca.certificate)).toMatchObject({ isCa: true, pathLength: 3, keyUsage: usages });
  });

  const key = (value: Uint8Array): Partial<Wanted> => ({ extensions: [{ oid: oid.keyUsage, critical: true, value }] });
  const basic = (value: Uint8Array): Partial<Wanted> => ({ extensions: [{ oid: oid.basicConstraints, value }] });
  const other = (id: string, value: Uint8Array): Partial<Wanted> => ({ extensions: [{ oid: id, value }] });
  const many = (count: number, one: Uint8Array): readonly Uint8Array[] => Array.from({ length: count }, () => one);
  const part = (id: string, text: string): Uint8Array => sequence(objectIdentifier(id), utf8String(text));
  const twice: Extension = { oid: "1.2.3.4", value: derNull };
  const bad: readonly (readonly [string, Partial<Wanted>])[] = [
    ["an extension twice", { extensions: [twice, twice] }],
    [
      "no extension",
      { without: [oid.basicConstraints, oid.keyUsage, oid.subjectKeyIdentifier, oid.authorityKeyIdentifier] },
    ],
    ["a serial number of zero", { serial: bytes("00") }],
    ["a negative serial number", { serial: bytes("ff") }],
    ["a serial number of 21 bytes", { serial: new Uint8Array(21).fill(1) }],
    ["a serial number not in the fewest bytes", { serial: bytes("0001") }],
    ["an empty subject", { subject: sequence() }],
    ["an empty part of a name", { subject: sequence(setOf()) }],
    ["a name of another structure", { subject: sequence(sequence()) }],
    [
      "a name's part out of order",
      { subject: sequence(der(0x31, part("2.5.4.3", "a"), part("2.5.4.10", "b"), part("2.5.4.3", "A"))) },
    ],
    [
      "a name's attribute that is a SET",
      { subject: sequence(setOf(der(0x31, objectIdentifier("2.5.4.3"), utf8String("a")))) },
    ],
    ["a name's attribute that is too long", { subject: sequence(setOf(part("2.5.4.3", "a".repeat(1100)))) }],
    [
      "an extension that is too much",
      { extensions: Array.from({ length: 61 }, (_, n) => ({ oid: `1.2.3.${n}`, value: derNull })) },
    ],
    ["a name's part that is a SEQUENCE", { subject: sequence(sequence(part("2.5.4.3", "a"))) }],
    ["thirty-three extended key usages", { eku: Array.from({ length: 33 }, (_, n) => `1.2.3.${n}`) }],
    ["sixty-five alternative names", other("2.5.29.17", sequence(...many(65, der(0x82, utf8("a")))))],
    [
      "sixty-five name constraints",
      other(oid.nameConstraints, sequence(explicit(0, ...many(65, sequence(der(0x82)))))),
    ],
    [
      "empty permitted names beside excluded ones",
      other(oid.nameConstraints, sequence(explicit(0), explicit(1, sequence(der(0x82))))),
    ],
    [
      "an alternative name whose parts are out of order",
      other("2.5.29.17", sequence(explicit(4, sequence(der(0x31, part("2.5.4.10", "b"), part("2.5.4.3", "a")))))),
    ],
    ["more than 16 KiB", other("1.2.3.4", octetString(new Uint8Array(16 * 1024)))],
    ["an empty issuer", { issuer: sequence() }],
    ["a validity that ends before it begins", { notAfter: "2019-01-01T00:00:00Z" }],
    ["an empty key usage", key(bitString(bytes("")))],
    ["a key usage of no bit", key(bitString(bytes("00"), 7))],
    ["a key usage with trailing zero bits", key(bitString(bytes("80"), 0))],
    ["a key usage of ten bits", key(bitString(bytes("8040"), 6))],
    ["a key usage that is an octet string", key(octetString(bytes("80")))],
    ["a key usage with something after it", key(bytes("03020780 0500"))],
    ["CA false written out", basic(sequence(boolean(false)))],
    ["a CA flag of 01", basic(sequence(bytes("010101")))],
    ["a negative path length", basic(sequence(boolean(true), integer(-1)))],
    ["something after the path length", basic(sequence(boolean(true), integer(1), derNull))],
    ["an empty extended key usage", other(oid.extendedKeyUsage, sequence())],
    ["one extended key usage twice", { eku: ["1.2.3", "1.2.3"] }],
    ["an extended key usage that is no identifier", other(oid.extendedKeyUsage, sequence(derNull))],
    ["an empty subject key identifier", other(oid.subjectKeyIdentifier, octetString(bytes("")))],
    [
      "an authority key identifier with half an issuer",
      other(oid.authorityKeyIdentifier, sequence(der(0x82, bytes("01")))),
    ],
    ["an empty list of alternative names", other("2.5.29.17", sequence())],
    ["an alternative name of no kind", other("2.5.29.17", sequence(der(0x8f, bytes("01"))))],
    [
      "name constraints with a minimum",
      other(oid.nameConstraints, sequence(explicit(0, sequence(der(0x82), der(0x80, bytes("01")))))),
    ],
    ["empty permitted names", other(oid.nameConstraints, sequence(explicit(0)))],
  ];
  for (const [title, change] of bad) {
    it(`PATH-FORM: ${title}`, () => {
      expect(code(() => readCertificate(issue(root, { name: "Leaf", ...change }).certificate))).toBe("PATH-FORM");
    });
  }

  it("PATH-FORM: anything added to any part of a certificate or of an extension", () => {
    const ca = makeRoot({ name: "CA", pathLength: 1, eku: ["1.2.3"], extensions: everyExtension });
    expect(code(() => readAll(ca.certificate))).toBe("accepted");
    const changed = withNullAdded(ca.certificate);
    expect(changed.length).toBeGreaterThan(25);
    const accepted = changed.filter((one) => !/^(?:PATH-(?:FORM|KEY)|CMS-ALGORITHM)$/.test(code(() => readAll(one))));
    expect(accepted).toEqual([]);

    for (const { oid: id, value } of [
      ...everyExtension,
      { oid: oid.extendedKeyUsage, value: sequence(objectIdentifier("1.2.3")) },
    ]) {
      const values = [Uint8Array.of(...value, ...derNull), ...withNullAdded(value)];
      for (const one of values) {
        const { certificate } = makeRoot({ name: "CA", key: root.key, extensions: [{ oid: id, value: one }] });
        expect(`${id} ${code(() => readCertificate(certificate))}`).toBe(`${id} PATH-FORM`);
      }
    }
  });

  it("CMS-ALGORITHM: signature algorithms that are not allowed", () => {
    const names = {
      sha1WithRsa: sequence(objectIdentifier("1.2.840.113549.1.1.5"), derNull),
      md5WithRsa: sequence(objectIdentifier("1.2.840.113549.1.1.4"), derNull),
      ecdsaSha1: sequence(objectIdentifier("1.2.840.10045.4.1")),
      ecdsaWithNull: sequence(objectIdentifier(oid.ecdsaWithSha256), derNull),
      sha256WithRsaWithoutNull: sequence(objectIdentifier(oid.sha256WithRsa)),
      noDigest: sequence(objectIdentifier(oid.rsaEncryption), derNull),
      pssOfSha1: sequence(objectIdentifier(oid.rsaPss), sequence()),
    };
    for (const algorithm of Object.values(names)) {
      expect(code(() => readCertificate(issue(root, { name: "Leaf", algorithm }).certificate))).toBe("CMS-ALGORITHM");
    }
  });

  it("PATH-FORM: two signature algorithms that differ", () => {
    const outer = DerReader.open(leaf.certificate, tag.sequence, "PATH-FORM");
    const tbs = whole(leaf.certificate, outer.read(tag.sequence));
    outer.read(tag.sequence);
    const signature = content(leaf.certificate, outer.read(tag.bitString)).subarray(1);
    for (const name of suiteNames) {
      const changed = sequence(tbs, certificateAlgorithm(suiteOf(name)), bitString(signature));
      expect(code(() => readCertificate(changed))).toBe(name === "ecdsa-p256-sha256" ? "accepted" : "PATH-FORM");
    }
  });

  it("PATH-FORM: a signature that is not of whole bytes, a critical flag of false", () => {
    const outer = DerReader.open(leaf.certificate, tag.sequence, "PATH-FORM");
    const parts = [
      whole(leaf.certificate, outer.read(tag.sequence)),
      whole(leaf.certificate, outer.read(tag.sequence)),
    ];
    expect(code(() => readCertificate(sequence(...parts, bitString(bytes("3000")))))).toBe("accepted");
    expect(code(() => readCertificate(sequence(...parts, bitString(bytes("3000"), 1))))).toBe("PATH-FORM");
    const flag = Buffer.from(leaf.certificate).indexOf("0101ff", "hex");
    const changed = leaf.certificate.slice();
    changed[flag + 2] = 0;
    expect(code(() => readCertificate(changed))).toBe("PATH-FORM");
  });

  it("PATH-FORM: versions other than 3, and bytes before or after", () => {
    const at = leaf.certificate.findIndex((_, index) =>
      leaf.certificate.subarray(index).toHex().startsWith("a003020102"),
    );
    for (const version of [0, 1, 3, 0x82]) {
      const changed = leaf.certificate.slice();
      changed[at + 4] = version;
      expect(code(() => readCertificate(changed))).toBe("PATH-FORM");
    }
    expect(code(() => readCertificate(Uint8Array.of(...leaf.certificate, 0)))).toBe("PATH-FORM");
    expect(code(() => readCertificate(leaf.certificate.subarray(0, -1)))).toBe("PATH-FORM");
    expect(code(() => readCertificate(new Uint8Array(16 * 1024 + 1)))).toBe("PATH-FORM");
  });

  it("T5: changed, cut and mixed certificates are refused or read, and nothing else is ever thrown", () => {
    const codes = /^(?:accepted|PATH-FORM|CMS-ALGORITHM)$/;
    const edit = fc.tuple(
      fc.nat(leaf.certificate.length - 1),
      fc.uint8Array({ minLength: 0, maxLength: 6 }),
      fc.nat(6),
    );
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const octets = [...leaf.certificate];
        for (const [at, put, cut] of edits) octets.splice(at, cut, ...put);
        expect(code(() => readCertificate(Uint8Array.from(octets)))).toMatch(codes);
        expect(code(() => issuerAndSerial(Uint8Array.from(octets)))).toMatch(codes);
      }),
      { numRuns: 3000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(code(() => readCertificate(octets))).toBe("PATH-FORM");
      }),
    );
  });
});

describe("T2: names for people", () => {
  const named = (...values: readonly Uint8Array[]): string =>
    nameText(sequence(...values.map((value) => setOf(sequence(objectIdentifier("2.5.4.3"), value)))));

  it("T2: separators, control and bidirectional characters are escaped", () => {
    expect(named(utf8String('a+b"c<d>;e\\f=g'))).toBe('CN=a\\+b\\"c\\<d\\>\\;e\\\\f\\=g');
    expect(named(utf8String(" #x "))).toBe("CN=\\ #x\\ ");
    expect(named(utf8String("a\u001b[2Jb\u202ec\u2028d"))).toBe("CN=a\\1b[2Jb\\e2\\80\\aec\\e2\\80\\a8d");
    expect(named(utf8String("Zoë"), der(0x13, bytes("41 42")))).toBe("CN=AB,CN=Zoë");
  });

  it("T2: string types that are not read are shown as hex", () => {
    expect(named(der(0x1e, bytes("0041")))).toBe("CN=#1e020041");
    expect(named(der(0x13, bytes("ff")))).toBe("CN=#1301ff");
    expect(code(() => named(der(0x0c, bytes("ff"))))).toBe("PATH-FORM");
  });
});
