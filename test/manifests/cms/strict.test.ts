import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf, sha256 } from "../../../host/crypto-host.ts";
import { digestAlgorithm, signatureAlgorithm } from "../../../manifests/cms/algorithm.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { suiteNames, suiteOf } from "../../../manifests/cms/suite.ts";
import { algorithmProtection } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import {
  der,
  derNull,
  explicit,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { issuerAndSerial } from "../../../manifests/x509/certificate.ts";
import { attribute } from "../../bundle/forge.ts";
import { issue } from "../../pki/authority.ts";
import { withNullAdded } from "../encoding/variants.ts";
import {
  at,
  body,
  codeOf,
  craft,
  type Parts,
  root,
  signed,
  signerFor,
  signingCertificate,
  sorted,
  usualAttributes,
  verifyAll,
  verifyOne,
} from "./envelopes.ts";

const signer = signerFor("ecdsa-p256-sha256");
const usual = usualAttributes(signer);
const others = signerFor("ecdsa-p384-sha384");
const extra = attribute("1.2.3", utf8String("extra"));
/** Longer, so that it sorts after the signer's own: the first that fits is the right one. */
const twin = issue(root, {
  name: "Signer ecdsa-p256-sha256",
  key: signer.key,
  serial: issuerAndSerial(signer.certificate).serial,
  extensions: [{ oid: "1.2.3.4", value: octetString(new Uint8Array(100)) }],
});
const { issuer } = issuerAndSerial(signer.certificate);

type Row = readonly [title: string, code: string, parts: Parts];

const changed = (change: Readonly<Record<string, Uint8Array | undefined>>): Parts => ({
  attributes: sorted({ ...usual, ...change }),
});

const rows: readonly Row[] = [
  // T8: signed attributes
  ["T8: no signed attributes", "CMS-ATTRIBUTES", { attributes: null }],
  ["T8: an empty set of signed attributes", "CMS-ATTRIBUTES", { attributes: [] }],
  ["T8: no content type", "CMS-ATTRIBUTES", changed({ contentType: undefined })],
  ["T8: no message digest", "CMS-ATTRIBUTES", changed({ messageDigest: undefined })],
  ["T8: no signing time", "CMS-ATTRIBUTES", changed({ signingTime: undefined })],
  ["T12: no signing certificate", "CMS-ATTRIBUTES", changed({ signingCertificate: undefined })],
  [
    "T8: another content type",
    "CMS-TYPE",
    changed({ contentType: attribute(oid.contentType, objectIdentifier(oid.data)) }),
  ],
  [
    "T8: another message digest",
    "CMS-DIGEST",
    changed({ messageDigest: attribute(oid.messageDigest, octetString(sha256(utf8("other")))) }),
  ],
  [
    "T8: a message digest of another length",
    "CMS-ATTRIBUTES",
    changed({ messageDigest: attribute(oid.messageDigest, octetString(digestOf("sha384", body))) }),
  ],
  [
    "T8: a message digest that is text",
    "CMS-ATTRIBUTES",
    changed({ messageDigest: attribute(oid.messageDigest, utf8String("x")) }),
  ],
  [
    "T8: a private attribute twice",
    "CMS-ATTRIBUTES",
    changed({ extra, again: attribute("1.2.3", utf8String("other")) }),
  ],
  [
    "T8: a content type twice",
    "CMS-ATTRIBUTES",
    changed({ again: attribute(oid.contentType, objectIdentifier(oid.data)) }),
  ],
  ["T8: the same attribute twice", "CMS-ATTRIBUTES", changed({ extra, again: extra })],
  ["T8: two values", "CMS-ATTRIBUTES", changed({ extra: attribute("1.2.3", utf8String("a"), utf8String("b")) })],
  ["T8: no value", "CMS-ATTRIBUTES", changed({ extra: attribute("1.2.3") })],
  ["T8: an attribute that is no SEQUENCE", "CMS-ATTRIBUTES", changed({ extra: utf8String("x") })],
  [
    "T8: an attribute that is a SET",
    "CMS-ATTRIBUTES",
    changed({ extra: der(0x31, objectIdentifier("1.2.3"), setOf(derNull)) }),
  ],
  [
    "T6: an attribute whose value is not strict",
    "DER",
    changed({ extra: attribute("1.2.3", der(0x01, Uint8Array.of(1))) }),
  ],
  [
    "T6: an unused certificate that is not strict",
    "DER",
    { certificates: [sequence(der(0x01, Uint8Array.of(1))), signer.certificate] },
  ],
  [
    "T7: an unsigned attribute that is a SET",
    "CMS-FORM",
    { unsigned: [der(0x31, objectIdentifier("1.2.3"), setOf(derNull))] },
  ],
  [
    "T7: an unsigned attribute with a third part",
    "CMS-FORM",
    { unsigned: [sequence(objectIdentifier("1.2.3"), setOf(derNull), derNull)] },
  ],
  [
    "T8: an attribute with a third part",
    "CMS-ATTRIBUTES",
    changed({ extra: sequence(objectIdentifier("1.2.3"), setOf(derNull), derNull) }),
  ],
  ["T6: signed attributes out of order", "CMS-ATTRIBUTES", { attributes: [...sorted(usual)].reverse() }],
  ["T8: a time that is text", "DER", changed({ signingTime: attribute(oid.signingTime, utf8String("now")) })],
  ["T8: GeneralizedTime before 2050", "DER", changed({ signingTime: attribute(oid.signingTime, generalizedTime(at)) })],
  [
    "T8: a time without seconds",
    "DER",
    changed({ signingTime: attribute(oid.signingTime, der(0x17, utf8("2611231200Z"))) }),
  ],
  [
    "T8: a 30th of February",
    "DER",
    changed({ signingTime: attribute(oid.signingTime, der(0x17, utf8("260230120000Z"))) }),
  ],
  [
    "T8: thirty-three attributes",
    "CMS-ATTRIBUTES",
    {
      attributes: sorted(
        Object.fromEntries(Array.from({ length: 33 }, (_, n) => [n, attribute(`1.2.3.${n}`, derNull)])),
      ),
    },
  ],
  // T12: the certificate
  [
    "T12: bound to another certificate",
    "CMS-CERTIFICATE",
    changed({
      signingCertificate: attribute(oid.signingCertificateV2, signingCertificate(sha256(others.certificate))),
    }),
  ],
  [
    "T12: a signing certificate's default written out",
    "CMS-CERTIFICATE",
    changed({
      signingCertificate: attribute(
        oid.signingCertificateV2,
        sequence(sequence(sequence(digestAlgorithm("sha256"), octetString(sha256(signer.certificate))))),
      ),
    }),
  ],
  [
    "T12: two signing certificates",
    "CMS-CERTIFICATE",
    changed({
      signingCertificate: attribute(
        oid.signingCertificateV2,
        sequence(
          sequence(
            sequence(octetString(sha256(signer.certificate))),
            sequence(octetString(sha256(others.certificate))),
          ),
        ),
      ),
    }),
  ],
  [
    "T12: a signing certificate by SHA-1",
    "CMS-ALGORITHM",
    changed({
      signingCertificate: attribute(
        oid.signingCertificateV2,
        sequence(sequence(sequence(sequence(objectIdentifier("1.3.14.3.2.26")), octetString(new Uint8Array(20))))),
      ),
    }),
  ],
  [
    "T12: another serial number in the signing certificate",
    "CMS-CERTIFICATE",
    changed({
      signingCertificate: attribute(
        oid.signingCertificateV2,
        sequence(
          sequence(
            sequence(octetString(sha256(signer.certificate)), sequence(sequence(explicit(4, issuer)), integer(7))),
          ),
        ),
      ),
    }),
  ],
  ["T12: no certificate", "CMS-CERTIFICATE", { certificates: [others.certificate] }],
  [
    "T12: two certificates of one issuer and number",
    "CMS-CERTIFICATE",
    { certificates: [...[signer.certificate, twin.certificate]].sort(Buffer.compare) },
  ],
  ["T12: another certificate of that issuer and number", "CMS-CERTIFICATE", { certificates: [twin.certificate] }],
  [
    "T12: a signer named by key identifier",
    "CMS-FORM",
    { signerVersion: 3, identifier: der(0x80, new Uint8Array(20)) },
  ],
  ["T12: a key identifier under version 1", "CMS-FORM", { identifier: der(0x80, new Uint8Array(20)) }],
  // T9: algorithms
  ["T9: SHA-1 as digest", "CMS-ALGORITHM", { digest: sequence(objectIdentifier("1.3.14.3.2.26")) }],
  ["T9: MD5 as digest", "CMS-ALGORITHM", { digest: sequence(objectIdentifier("1.2.840.113549.2.5"), derNull) }],
  ["T9: digest and signature disagree", "CMS-ALGORITHM", { digest: digestAlgorithm("sha384") }],
  [
    "T9: an algorithm of another key",
    "CMS-ALGORITHM",
    {
      signature: signatureAlgorithm(suiteOf("rsa-pkcs1-sha256")),
      attributes: sorted({ ...usual, protection: undefined }),
    },
  ],
  ["T9: ECDSA with NULL", "CMS-ALGORITHM", { signature: sequence(objectIdentifier(oid.ecdsaWithSha256), derNull) }],
  [
    "T9: other algorithms protected than used",
    "CMS-ALGORITHM",
    changed({ protection: attribute(oid.algorithmProtection, algorithmProtection(suiteOf("rsa-pss-sha256"))) }),
  ],
  [
    "T9: a MAC algorithm protected",
    "CMS-ALGORITHM",
    changed({
      protection: attribute(
        oid.algorithmProtection,
        sequence(digestAlgorithm("sha256"), explicit(2, objectIdentifier("1.2.3"))),
      ),
    }),
  ],
  ["T10: a signature of zeros", "CMS-SIGNATURE", { signatureValue: sequence(integer(0), integer(0)) }],
  ["T10: an empty signature", "CMS-SIGNATURE", { signatureValue: new Uint8Array(0) }],
  ["T10: another's signature", "CMS-SIGNATURE", { signatureValue: sequence(integer(1), integer(1)) }],
  // T6, 7: the structure
  ["T6: version 1 over a type of its own", "CMS-FORM", { version: 1 }],
  ["T6: version 5", "CMS-FORM", { version: 5 }],
  ["T6: no digest algorithm", "CMS-FORM", { digests: setOf() }],
  [
    "T6: a digest algorithm that nobody uses",
    "CMS-FORM",
    { digests: setOf(digestAlgorithm("sha256"), digestAlgorithm("sha384")) },
  ],
  ["T6: another digest algorithm", "CMS-FORM", { digests: setOf(digestAlgorithm("sha512")) }],
  ["T6: revocation data", "CMS-FORM", { afterCertificates: explicit(1, sequence()) }],
  [
    "T6: certificates out of order",
    "DER",
    { certificates: [signer.certificate, others.certificate].sort(Buffer.compare).reverse() },
  ],
  ["T6: a certificate twice", "DER", { certificates: [signer.certificate, signer.certificate] }],
  ["T6: an empty set of certificates", "CMS-FORM", { certificates: [] }],
  ["T6: an attribute certificate", "CMS-FORM", { certificates: [signer.certificate, explicit(1, sequence())] }],
  ["T7: zero signers", "CMS-SIGNERS", { signers: () => setOf() }],
  ["T7: one signer twice", "DER", { signers: (one) => der(0x31, one, one) }],
  ["T7: sixty-five signers", "CMS-SIGNERS", { signers: (one) => der(0x31, ...Array.from({ length: 65 }, () => one)) }],
  ["T7: a signer that is no SEQUENCE", "CMS-FORM", { signers: () => setOf(derNull) }],
  ["T7: an empty set of unsigned attributes", "CMS-FORM", { unsigned: [] }],
  ["T7: unsigned attributes without form", "CMS-FORM", { unsigned: [derNull] }],
  ["T6: content in pieces", "CMS-FORM", { content: der(0x24, octetString(body)) }],
  ["T6: content that is no OCTET STRING", "CMS-FORM", { content: utf8String("x") }],
  ["T6: something after the content", "DER", { content: Uint8Array.of(...octetString(body), 5, 0) }],
];

describe("SignedData that others accept", () => {
  it("T8: the same parts unchanged are accepted", async () => {
    await expect(codeOf(() => verifyAll(craft({})))).resolves.toBe("accepted");
    await expect(codeOf(() => verifyAll(craft({ attributes: sorted({ ...usual, extra }) })))).resolves.toBe("accepted");
    await expect(
      codeOf(() => verifyAll(craft({ attributes: sorted({ ...usual, protection: undefined }) }))),
    ).resolves.toBe("accepted");
    const certificates = [signer.certificate, others.certificate].sort(Buffer.compare);
    await expect(codeOf(() => verifyAll(craft({ certificates })))).resolves.toBe("accepted");
  });

  for (const [title, code, parts] of rows) {
    it(`${title} (${code})`, async () => {
      await expect(codeOf(() => verifyAll(craft(parts)))).resolves.toBe(code);
    });
  }

  it("T8: signed attributes replayed as content", async () => {
    const { signers } = readSignedData(craft({}));
    const [first] = signers;
    const content = first?.signedAttributes as Uint8Array;
    const replay = craft({
      attributes: null,
      content: octetString(content),
      signatureValue: first?.signature as Uint8Array,
    });
    await expect(codeOf(() => verifyAll(replay))).resolves.toBe("CMS-ATTRIBUTES");
  });

  it("T7: unsigned attributes are seen, never trusted, and are not part of the core", async () => {
    const plain = readSignedData(craft({}));
    const [first] = plain.signers;
    const signatureValue = first?.signature as Uint8Array;
    const unsigned = [attribute(oid.signingTime, derNull), extra];
    const data = readSignedData(craft({ unsigned, signatureValue }));
    expect(first).toMatchObject({ unsigned: false, core: first?.der });
    expect(data.signers[0]).toMatchObject({ unsigned: true, core: first?.core, attributes: first?.attributes });
    expect(data.signers[0]?.der).not.toEqual(first?.core);
    await expect(codeOf(() => verifyOne(data))).resolves.toBe("accepted");
  });

  it("T9: a digest's parameters may be NULL (RFC 5754 2), as long as everything agrees", async () => {
    const digest = sequence(objectIdentifier(oid.sha256), derNull);
    const attributes = sorted({ ...usual, protection: undefined });
    await expect(codeOf(() => verifyAll(craft({ digest, attributes })))).resolves.toBe("accepted");
    await expect(codeOf(() => verifyAll(craft({ digest })))).resolves.toBe("CMS-ALGORITHM");
    const digests = setOf(digestAlgorithm("sha256"));
    await expect(codeOf(() => verifyAll(craft({ digest, attributes, digests })))).resolves.toBe("CMS-FORM");
  });
});

describe("SignedData that says more than it should", () => {
  it("T6: anything added to any part of a signed attribute, and signed", async () => {
    const issuerSerial = sequence(sequence(explicit(4, issuer)), der(0x02, issuerAndSerial(signer.certificate).serial));
    const named = sequence(sequence(sequence(octetString(sha256(signer.certificate)), issuerSerial)));
    const full = { ...usual, signingCertificate: attribute(oid.signingCertificateV2, named) };
    expect(await codeOf(() => verifyAll(craft({ attributes: sorted(full) })))).toBe("accepted");
    let tried = 0;
    for (const [name, encoded] of Object.entries(full)) {
      for (const changedAttribute of withNullAdded(encoded)) {
        tried += 1;
        const code = await codeOf(() =>
          verifyAll(craft({ attributes: sorted({ ...full, [name]: changedAttribute }) })),
        );
        expect(`${name} ${code}`).toMatch(/ (?:CMS-[A-Z]+|DER)$/);
      }
    }
    expect(tried).toBeGreaterThan(20);
    for (const [name, value] of [
      [oid.contentType, objectIdentifier("1.2.3.4")],
      [oid.signingTime, time(at)],
    ] as const) {
      const wrapped = attribute(name, sequence(value));
      expect(await codeOf(() => verifyAll(craft({ attributes: sorted({ ...usual, [name]: wrapped }) })))).toBe(
        "CMS-ATTRIBUTES",
      );
    }
  });

  it("T6: anything added to any part that no signature covers", async () => {
    const envelope = await signed("rsa-pss-sha256");
    const accepted: string[] = [];
    for (const changedEnvelope of withNullAdded(envelope)) {
      const code = await codeOf(() => verifyAll(changedEnvelope));
      if (!/^(?:DER|(?:CMS|PATH)-[A-Z]+)$/.test(code)) accepted.push(`${code}: ${changedEnvelope.toHex()}`);
    }
    expect(accepted).toEqual([]);
  });
});

describe("SignedData that was changed", () => {
  let envelopes: readonly Uint8Array[];
  beforeAll(async () => {
    envelopes = await Promise.all(suiteNames.map((name) => signed(name)));
  });

  it("CMS-SIGNATURE: every byte counts: any one changed is refused", async () => {
    const envelope = await signed("ecdsa-p256-sha256");
    const accepted: number[] = [];
    const thrown: string[] = [];
    for (let index = 0; index < envelope.length; index++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const bytes = envelope.slice();
        bytes[index] = (bytes[index] as number) ^ flip;
        const code = await codeOf(() => verifyAll(bytes));
        if (code === "accepted") accepted.push(index);
        if (code.startsWith("threw")) thrown.push(`${index}: ${code}`);
      }
    }
    expect({ accepted, thrown }).toEqual({ accepted: [], thrown: [] });
  });

  it("T6: every suite, cut anywhere or with anything after it, is refused", async () => {
    for (const envelope of envelopes) {
      await expect(codeOf(() => verifyAll(envelope))).resolves.toBe("accepted");
      for (let length = 0; length < envelope.length; length += 7) {
        await expect(codeOf(() => verifyAll(envelope.subarray(0, length)))).resolves.toMatch(/^(?:DER|CMS-FORM)$/);
      }
      await expect(codeOf(() => verifyAll(Uint8Array.of(...envelope, 0)))).resolves.toBe("DER");
    }
  });

  it("T5: random edits are refused, and nothing but a refusal is thrown", async () => {
    const edit = fc.record({ at: fc.nat(2000), cut: fc.nat(8), put: fc.uint8Array({ maxLength: 8 }) });
    const anEnvelope = fc.nat(suiteNames.length - 1);
    await fc.assert(
      fc.asyncProperty(anEnvelope, fc.array(edit, { minLength: 1, maxLength: 5 }), async (which, edits) => {
        const envelope = envelopes[which] as Uint8Array;
        const octets = [...envelope];
        for (const { at: place, cut, put } of edits) octets.splice(place % octets.length, cut, ...put);
        const bytes = Uint8Array.from(octets);
        const code = await codeOf(() => verifyAll(bytes));
        if (Buffer.compare(bytes, envelope) === 0) return;
        expect(code).toMatch(/^[A-Z]+(?:-[A-Z]+)?$/); // a refusal's code: neither accepted nor thrown
      }),
      { numRuns: 2000 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await codeOf(() => verifyAll(bytes))).toMatch(/^(?:DER|CMS-FORM)$/);
      }),
    );
  });
});
