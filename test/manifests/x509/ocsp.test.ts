import { describe, expect, it } from "vitest";
import {
  boolean,
  der,
  derNull,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  utcTime,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { readCrl } from "../../../manifests/x509/crl.ts";
import { readOcsp } from "../../../manifests/x509/ocsp.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeDelegate, makeOcsp, ocspExtension, type WantedAnswer, type WantedOcsp } from "../../pki/ocsp.ts";

const ca = makeRoot({ name: "CA" });
const { certificate } = issue(ca, { name: "leaf" });
const answer = (more: Partial<WantedAnswer> = {}, wanted: WantedOcsp = {}) =>
  makeOcsp(ca, [{ certificate, ...more }], wanted);
/** an RDN with one attribute twice */
const attribute = sequence(objectIdentifier("2.5.4.3"), der(0x0c, Uint8Array.of(65)));
const badName = sequence(der(0x31, attribute, attribute));
const cutoff = (value: Uint8Array) => ocspExtension(oid.archiveCutoff, value);
const revokedFor = (...reason: readonly number[]) =>
  der(0xa1, generalizedTime("2026-11-20T13:00:00Z"), der(0xa0, der(0x0a, Uint8Array.from(reason))));

describe("an OCSP response", () => {
  it("T11: is read as RFC 6960 writes it", () => {
    const delegate = makeDelegate(ca);
    const read = readOcsp(
      makeOcsp(
        ca,
        [
          { certificate, statusDer: revokedFor(1) },
          { certificate: delegate.certificate, status: "unknown", nextUpdate: null, hash: "sha256" },
          { certificate: ca.certificate, extensions: [cutoff(generalizedTime("2020-01-01T00:00:00Z"))] },
        ],
        { signer: delegate, certificates: [delegate.certificate], responder: "key" },
      ),
    );
    expect(read.responder).toMatchObject({ kind: "key" });
    expect(read.certificates.map(({ der, ocspNoCheck }) => [der, ocspNoCheck])).toEqual([[delegate.certificate, true]]);
    const time = "2026-11-21T00:00:00Z";
    expect(read.producedAt).toBe(time);
    expect(
      read.answers.map((one) => [one.certificate.hash, one.status, one.thisUpdate, one.nextUpdate, one.endedSince]),
    ).toEqual([
      ["sha1", { kind: "revoked", since: "2026-11-20T13:00:00Z" }, time, "2027-01-01T00:00:00Z", undefined],
      ["sha256", { kind: "unknown" }, time, undefined, undefined],
      ["sha1", { kind: "good" }, time, "2027-01-01T00:00:00Z", "2020-01-01T00:00:00Z"],
    ]);
  });

  it.each<[string, RefusalCode, () => Uint8Array]>([
    ["that is no answer", "PATH-FORM", () => answer({}, { status: 3 })],
    ["of another type", "PATH-FORM", () => answer({}, { type: "1.3.6.1.5.5.7.48.1.99" })],
    ["of another version", "PATH-FORM", () => answer({}, { version: der(0xa0, integer(1)) })],
    ["of version 1, written out", "PATH-FORM", () => answer({}, { version: der(0xa0, integer(0)) })],
    ["of no certificate", "PATH-FORM", () => makeOcsp(ca, [])],
    ["that names one twice", "PATH-FORM", () => makeOcsp(ca, [{ certificate }, { certificate, status: "revoked" }])],
    ["whose answer ends before it begins", "PATH-FORM", () => answer({ nextUpdate: "2026-01-01T00:00:00Z" })],
    [
      "whose key hash is no SHA-1",
      "PATH-FORM",
      () => answer({}, { responderId: der(0xa2, der(4, new Uint8Array(32))) }),
    ],
    ["whose responder is neither", "PATH-FORM", () => answer({}, { responderId: der(0xa3, integer(1)) })],
    ["with a certificate that is none", "PATH-FORM", () => answer({}, { certificates: [sequence()] })],
    [
      "with an extension twice",
      "PATH-FORM",
      () => answer({}, { extensions: [1, 2].map((n) => ocspExtension("1.2.3", integer(n))) }),
    ],
    [
      "with a default written out",
      "PATH-FORM",
      () => answer({}, { extensions: [sequence(der(6, Uint8Array.of(42, 3)), boolean(false), der(4))] }),
    ],
    [
      "with a critical extension that nobody knows",
      "PATH-CRITICAL",
      () => answer({}, { extensions: [ocspExtension("1.2.3", integer(1), true)] }),
    ],
    [
      "with a critical extension of an answer that nobody knows",
      "PATH-CRITICAL",
      () => answer({ extensions: [ocspExtension("2.5.29.29", integer(1), true)] }),
    ],
    [
      "signed by what is not allowed",
      "CMS-ALGORITHM",
      () => answer({}, { algorithm: sequence(der(6, Uint8Array.of(42, 3))) }),
    ],
    ["whose responder's name is no strict DER", "PATH-FORM", () => answer({}, { responderId: der(0xa1, badName) })],
    ["whose good is not empty", "PATH-FORM", () => answer({ statusDer: der(0x80, integer(0)) })],
    ["whose status is none of the three", "PATH-FORM", () => answer({ statusDer: der(0x83) })],
    ["whose reason is longer than one byte", "PATH-FORM", () => answer({ statusDer: revokedFor(1, 1) })],
    ["with a serial number of 21 bytes", "PATH-FORM", () => answer({ serial: new Uint8Array(21).fill(1) })],
    ["whose times are UTCTime", "PATH-FORM", () => answer({ statusDer: der(0xa1, utcTime("2026-11-20T13:00:00Z")) })],
    ["with something after the answer", "PATH-FORM", () => answer({}, { afterResponse: integer(1) })],
    ["with something after the certificates", "PATH-FORM", () => answer({}, { afterBasic: integer(1) })],
    ["with an empty list of extensions", "PATH-FORM", () => answer({}, { extensionList: sequence() })],
    [
      "with 33 extensions",
      "PATH-FORM",
      () => answer({}, { extensions: Array.from({ length: 33 }, (_, n) => ocspExtension(`1.2.${n}`, integer(n))) }),
    ],
    ["whose archive cutoff is no time", "PATH-FORM", () => answer({ extensions: [cutoff(integer(1))] })],
    ["named by MD5", "CMS-ALGORITHM", () => answer({ idHash: sequence(objectIdentifier("1.2.840.113549.2.5")) })],
    ["that is cut off", "PATH-FORM", () => answer().subarray(0, -1)],
    ["with bytes after its end", "PATH-FORM", () => Uint8Array.from([...answer(), 0])],
    ["that is a CRL", "PATH-FORM", () => makeCrl(ca)],
    ["that is nothing", "PATH-FORM", () => new Uint8Array(0)],
    ["that is too long", "PATH-FORM", () => new Uint8Array((1 << 20) + 1)],
  ])("T11: one %s is refused", (_, code, make) => {
    expect(() => readOcsp(answer())).not.toThrow();
    expect(() => readOcsp(make())).toThrowError(expect.objectContaining({ code }));
  });
});

describe("what stands beside responses", () => {
  it("T11: ocsp-nocheck is NULL, or the certificate is refused", () => {
    const noCheck = (value: Uint8Array) =>
      readCertificate(makeDelegate(ca, { extensions: [{ oid: oid.ocspNoCheck, value }] }).certificate).ocspNoCheck;
    expect(noCheck(derNull)).toBe(true);
    expect(readCertificate(certificate).ocspNoCheck).toBe(false);
    for (const value of [integer(1), octetString(new Uint8Array(0)), new Uint8Array(0), Uint8Array.of(5, 0, 5, 0)]) {
      expect(() => noCheck(value)).toThrowError(expect.objectContaining({ code: "PATH-FORM" }));
    }
  });

  it("T11: expiredCertsOnCRL is one time, or the list is refused", () => {
    const list = (value: Uint8Array) =>
      readCrl(makeCrl(ca, { extension: { oid: oid.expiredCertsOnCrl, critical: false, value } })).endedSince;
    expect(list(generalizedTime("2020-01-01T00:00:00Z"))).toBe("2020-01-01T00:00:00Z");
    expect(readCrl(makeCrl(ca)).endedSince).toBeUndefined();
    for (const value of [integer(1), utcTime("2020-01-01T00:00:00Z"), new Uint8Array(0)]) {
      expect(() => list(value)).toThrowError(expect.objectContaining({ code: "PATH-FORM" }));
    }
  });
});
