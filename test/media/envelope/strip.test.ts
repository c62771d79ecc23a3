import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { concat, equal, utf8 } from "../../../manifests/encoding/bytes.ts";
import { content as contentOf, DerReader, readElement, whole } from "../../../manifests/encoding/der-read.ts";
import {
  der,
  derNull,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
} from "../../../manifests/encoding/der-write.ts";
import { documentationArc, oid, ownOids } from "../../../manifests/encoding/oid.ts";
import { readStripped } from "../../../manifests/records/plain-envelope.ts";
import { Refusal, type RefusalCode } from "../../../manifests/refusal.ts";
import { strip } from "../../../media/intake/envelope/strip.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import {
  armoured,
  type BerChanges,
  type EnvelopeParts,
  envelopeParts,
  inBer,
  inDer,
  indefinite,
  octetsIn,
  type Pieces,
  smime,
  type Wrap,
  withoutContent,
} from "../../pki/plain.ts";

const root = makeRoot({ name: "Root" });
const signer = issue(root, { name: "Desk", eku: [ownOids(documentationArc).plainSubmitter] });
const other = issue(root, { name: "Other" });
const content = utf8("the document\r\n");
const parts = await envelopeParts(signer, content);
const unsigned = der(0xa1, sequence(objectIdentifier("1.2.3"), setOf(octetString(utf8("nobody's word")))));
const stripped = withoutContent(parts);

/** Strips bytes that come in pieces of `piece`; gives what came out. */
function stripOf(bytes: Uint8Array, piece = 7): { readonly envelope: Uint8Array; readonly content: Uint8Array } {
  const out: Uint8Array[] = [];
  function* pieces() {
    // One memory for all of them, as intake has it.
    const buffer = new Uint8Array(piece);
    for (let at = 0; at < bytes.length; at += piece) {
      const some = bytes.subarray(at, at + piece);
      buffer.set(some);
      yield buffer.subarray(0, some.length);
    }
  }
  const envelope = strip(pieces(), { begin: () => undefined, write: (some) => void out.push(some.slice()) });
  return { envelope, content: concat(out) };
}

function codeOf(bytes: Uint8Array): RefusalCode | "none" {
  try {
    stripOf(bytes);
    return "none";
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
}

/** Definite, its length in more bytes than it needs. */
const longLengths: Wrap = (tag, ...inside) => {
  const octets = concat(inside);
  const length = octets.length;
  return concat([Uint8Array.of(tag, 0x84, 0, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff), octets]);
};

const half = (bytes: Uint8Array): Pieces => [bytes.subarray(0, 5), bytes.subarray(5)];

describe("one envelope in many forms", () => {
  it.each<[string, Uint8Array]>([
    ["DER", inDer(parts)],
    ["BER, indefinite lengths", inBer(parts)],
    ["BER, definite lengths that are too long", inBer(parts, { wrap: longLengths })],
    ["content in two pieces", inBer(parts, { pieces: half(content) })],
    [
      "content in nested pieces, empty ones among them",
      inBer(parts, { pieces: [[half(content), []], new Uint8Array(0)] }),
    ],
    ["content in pieces of definite length", inBer(parts, { wrap: longLengths, pieces: [[half(content)]] })],
    ["another version", inBer(parts, { version: 3 })],
    ["a CRL, which is left out", inBer(parts, { crls: indefinite(0xa1, sequence(octetString(new Uint8Array(999)))) })],
    ["unsigned attributes, which are left out", inBer(changed((info) => [...info, unsigned]))],
    ["SignerInfo in BER outside of its signed attributes", inBer(berSigner())],
    ["PEM", armoured(inDer(parts))],
    ["PEM of gpgsm, CRLF", armoured(inBer(parts), "SIGNED MESSAGE", "\r\n")],
    ["PEM of certtool", armoured(inBer(parts), "PKCS7")],
    ["S/MIME", smime(inDer(parts))],
    ["S/MIME with LF", smime(inBer(parts), "\n")],
    ["S/MIME of an older name", smime(inDer(parts), "\r\n", "Application/X-PKCS7-MIME")],
  ])("T5: %s: the same content and the same envelope without it", (_, bytes) => {
    for (const piece of [1, 7, 100_000]) {
      const out = stripOf(bytes, piece);
      expect(equal(out.content, content)).toBe(true);
      expect(equal(out.envelope, stripped)).toBe(true);
    }
  });

  it("T5: however it is cut and nested, content comes out as it went in", async () => {
    const tree = fc.letrec<{ tree: Pieces }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.uint8Array({ maxLength: 40 }),
        fc.array(tie("tree"), { maxLength: 4 }),
      ),
    })).tree;
    const flat = (pieces: Pieces): Uint8Array => (pieces instanceof Uint8Array ? pieces : concat(pieces.map(flat)));
    await fc.assert(
      fc.asyncProperty(tree, fc.boolean(), fc.integer({ min: 1, max: 50 }), async (pieces, definite, piece) => {
        const made = await envelopeParts(signer, flat(pieces));
        const wrap: Wrap = definite ? longLengths : indefinite;
        const out = stripOf(inBer(made, { pieces, wrap }), piece);
        expect(equal(out.content, flat(pieces))).toBe(true);
        expect(equal(out.envelope, withoutContent(made))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("T5: hashes that are named before the content are told before it; others are not known here", async () => {
    const told: string[][] = [];
    const sha1 = sequence(der(0x06, Uint8Array.of(0x2b, 0x0e, 3, 2, 26)));
    const bytes = Buffer.from(inBer(parts)).toString("hex");
    const sha256 = Buffer.from(setOf(sequence(der(0x06, Uint8Array.fromHex("608648016503040201")), derNull)));
    const both = Buffer.from(setOf(sequence(der(0x06, Uint8Array.fromHex("608648016503040201"))), sha1));
    expect(bytes).toContain(sha256.toString("hex"));
    const changedBytes = Buffer.from(bytes.replace(sha256.toString("hex"), both.toString("hex")), "hex");
    strip([changedBytes], { begin: (hashes) => void told.push([...hashes]), write: () => undefined });
    expect(told).toEqual([["sha256"]]);
  });
});

describe("what is no envelope", () => {
  const ber = (changes: BerChanges) => inBer(parts, changes);
  it.each<[string, RefusalCode, Uint8Array]>([
    ["nothing", "ENVELOPE-FORM", new Uint8Array(0)],
    ["neither BER nor an armour", "ENVELOPE-FORM", utf8("%PDF-1.7")],
    ["another CMS type", "CMS-TYPE", sequence(objectIdentifier("1.2.840.113549.1.7.3"), explicit(0, sequence()))],
    ["content of another type", "CMS-TYPE", ber({ eContentType: "1.3.6.1.4.1.32473.1.1" })],
    ["detached", "ENVELOPE-FORM", ber({ detached: true })],
    ["a byte after it", "ENVELOPE-FORM", concat([inDer(parts), Uint8Array.of(0)])],
    ["a byte after indefinite lengths", "ENVELOPE-FORM", concat([ber({}), Uint8Array.of(0x30)])],
    ["nobody signed", "CMS-SIGNERS", inBer({ ...parts, signerInfos: [] })],
    ["two signers", "CMS-SIGNERS", inBer({ ...parts, signerInfos: [...parts.signerInfos, ...parts.signerInfos] })],

    ["a certificate of indefinite length", "ENVELOPE-FORM", inBer({ ...parts, certificates: [indefinite(0x30)] })],
    ["another kind of certificate", "ENVELOPE-FORM", inBer({ ...parts, certificates: [indefinite(0xa0)] })],
    [
      "too many certificates",
      "ENVELOPE-FORM",
      inBer({ ...parts, certificates: Array<Uint8Array>(17).fill(signer.certificate) }),
    ],
    ["no signed attributes", "CMS-ATTRIBUTES", inBer(changed((info) => info.filter((_, at) => at !== 3)))],
    [
      "signed attributes of indefinite length",
      "ENVELOPE-FORM",
      inBer(changed((info) => info.with(3, indefinite(0xa0, inside(info[3]))))),
    ],
    [
      "signed attributes with a length too long",
      "DER",
      inBer(changed((info) => info.with(3, longLengths(0xa0, inside(info[3]))))),
    ],
    [
      "signed attributes out of order",
      "CMS-ATTRIBUTES",
      inBer(changed((info) => info.with(3, der(0xa0, ...elements(info[3]).reverse())))),
    ],
    [
      "a signed attribute twice",
      "CMS-ATTRIBUTES",
      inBer(changed((info) => info.with(3, der(0xa0, inside(info[3]), ...elements(info[3]).slice(-1))))),
    ],
    [
      "a signer named by its key",
      "ENVELOPE-FORM",
      inBer(changed((info) => info.with(1, der(0x80, new Uint8Array(20))))),
    ],
    [
      "MD5",
      "CMS-ALGORITHM",
      inBer(changed((info) => info.with(2, sequence(objectIdentifier("1.2.840.113549.2.5"), derNull)))),
    ],
    ["SHA-1", "CMS-ALGORITHM", inBer(changed((info) => info.with(2, sequence(objectIdentifier("1.3.14.3.2.26")))))],
    ["a content that is no octets", "ENVELOPE-FORM", withOctets(integer(1))],
    ["pieces that are no octets", "ENVELOPE-FORM", withOctets(indefinite(0x24, integer(1)))],
    ["two contents", "ENVELOPE-FORM", withOctets(octetString(content), octetString(content))],
    ["a primitive of indefinite length", "ENVELOPE-FORM", withOctets(Uint8Array.of(0x04, 0x80, 1, 2, 0, 0))],
    ["PEM with words before it", "ENVELOPE-FORM", concat([utf8("hello\n"), armoured(inDer(parts))])],
    ["PEM with words after it", "ENVELOPE-FORM", concat([armoured(inDer(parts)), utf8("hello\n")])],
    ["PEM with junk in it", "ENVELOPE-FORM", utf8(text(armoured(inDer(parts))).replace("MII", "M!I"))],
    ["PEM of a certificate", "ENVELOPE-FORM", armoured(inDer(parts), "CERTIFICATE")],
    ["PEM that ends otherwise", "ENVELOPE-FORM", utf8(text(armoured(inDer(parts))).replace("END CMS", "END PKCS7"))],
    ["two PEM messages", "ENVELOPE-FORM", concat([armoured(inDer(parts)), armoured(inDer(parts))])],
    [
      "PEM with headers",
      "ENVELOPE-FORM",
      utf8(text(armoured(inDer(parts))).replace("CMS-----\n", "CMS-----\nA: b\n\n")),
    ],
    ["base64 after its padding", "ENVELOPE-FORM", armouredText(`${inDer(parts).toBase64().slice(0, 40)}==AAAA`)],
    ["base64 with lost bits", "ENVELOPE-FORM", armouredText(`${inDer(parts).toBase64().slice(0, 40)}AB==`)],
    ["base64 without its padding", "ENVELOPE-FORM", armouredText("MII")],
    [
      "S/MIME of another kind",
      "ENVELOPE-FORM",
      smime(inDer(parts), "\n", "application/pkcs7-mime; smime-type=enveloped-data"),
    ],
    ["S/MIME in the clear", "ENVELOPE-FORM", smime(inDer(parts), "\n", "multipart/signed; protocol=x")],
    ["S/MIME not in base64", "ENVELOPE-FORM", utf8(text(smime(inDer(parts))).replace("base64", "8bit"))],
    ["S/MIME with two types", "ENVELOPE-FORM", concat([utf8("Content-Type: text/plain\r\n"), smime(inDer(parts))])],
    ["S/MIME without end of its header", "ENVELOPE-FORM", utf8("A: b\n".repeat(10_000))],
    ["a line without end", "ENVELOPE-FORM", utf8(`A: ${"b".repeat(5000)}`)],
  ])("T5: %s: %s", (_, code, bytes) => {
    expect(codeOf(bytes)).toBe(code);
  });

  it("T5: base64 in which bits are lost at its end: ENVELOPE-FORM, whatever padding there is", async () => {
    const forms = new Set<string>();
    for (let length = 20; forms.size < 3; length++) {
      const bytes = inDer(await envelopeParts(signer, new Uint8Array(length)));
      const base64 = bytes.toBase64();
      const padding = /=*$/.exec(base64)?.[0] ?? "";
      expect(codeOf(armouredText(base64))).toBe("none");
      forms.add(padding);
      if (padding === "") continue;
      const last = base64.length - padding.length - 1;
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const other = alphabet[alphabet.indexOf(base64[last] as string) + 1] as string;
      const changedText = base64.slice(0, last) + other + padding;
      expect(Buffer.from(changedText, "base64").equals(Buffer.from(bytes))).toBe(true);
      expect(codeOf(armouredText(changedText))).toBe("ENVELOPE-FORM");
      expect(codeOf(armouredText(base64.slice(0, -1)))).toBe("ENVELOPE-FORM");
    }
  });

  it("T8: what is handed on has signed attributes, one signer and no content, whatever came", () => {
    const { data } = readStripped(stripOf(inBer(parts)).envelope);
    expect(data).toMatchObject({ eContentType: oid.data, content: undefined });
    expect(data.signers).toHaveLength(1);
    expect(readSignedData(stripped).certificates).toEqual(parts.certificates);
    expect(other.certificate).not.toEqual(signer.certificate);
  });
});

describe("bombs", () => {
  it.each<[string, Uint8Array]>([
    ["octets nested a thousand deep", withOctets(nested(1000))],
    [
      "octets nested without end",
      concat([head(), Uint8Array.from({ length: 100_000 }, (_, at) => (at % 2 ? 0x80 : 0x24))]),
    ],
    [
      "a million empty pieces",
      withOctets(
        concat([
          Uint8Array.of(0x24, 0x80),
          new Uint8Array(2_000_000).map((_, at) => (at % 2 ? 0 : 4)),
          Uint8Array.of(0, 0),
        ]),
      ),
    ],
    ["a length of 2^56", withOctets(Uint8Array.of(0x04, 0x88, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2))],
    ["a length of nine bytes", withOctets(Uint8Array.of(0x04, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2))],
    ["a piece that is longer than what holds it", inBer(parts, { wrap: short(0x24) })],
    ["content that is longer than what holds it", inBer(parts, { wrap: short(0xa0) })],
    [
      "a certificate of a gigabyte",
      concat([upToContent(), indefinite(0xa0, Uint8Array.of(0x30, 0x84, 0x40, 0, 0, 0))]),
    ],
    [
      "revocation data without end",
      inBer(parts, {
        crls: indefinite(0xa1, ...Array<Uint8Array>(60_000).fill(sequence(octetString(new Uint8Array(9))))),
      }),
    ],
    [
      "a thousand digest algorithms",
      concat([
        Uint8Array.of(0x30, 0x80),
        objectIdentifier(oid.signedData),
        Uint8Array.of(0xa0, 0x80, 0x30, 0x80),
        integer(1),
        der(0x31, ...Array<Uint8Array>(1000).fill(sequence(objectIdentifier(oid.sha256)))),
      ]),
    ],
    ["tags of many bytes", withOctets(Uint8Array.of(0x1f, 0xff, 0xff, 0xff, 0xff))],
  ])("T5: %s: ENVELOPE-FORM, at once", (_, bytes) => {
    const before = performance.now();
    expect(codeOf(bytes)).toBe("ENVELOPE-FORM");
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it("T5: cut off at every byte, each form is refused and never taken", () => {
    for (const whole of [
      inDer(parts),
      inBer(parts, { pieces: [half(content)] }),
      armoured(inDer(parts)),
      smime(inDer(parts)),
    ]) {
      const line = whole[0] !== 0x30;
      for (let end = 0; end < whole.length; end++) {
        // The last line end of an armour may be missing: then nothing of the envelope is.
        if (line && end >= whole.length - 2) continue;
        expect(codeOf(whole.subarray(0, end)), `${end} of ${whole.length}`).not.toBe("none");
      }
    }
  });

  it("T5: a changed byte anywhere gives a coded refusal or an envelope whose every part is strict", () => {
    const bytes = inBer(parts, { pieces: half(content) });
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const copy = bytes.slice();
        copy[at] = (copy[at] as number) ^ flip;
        if (codeOf(copy) === "none") readStripped(stripOf(copy).envelope);
      }
    }
    expect(digestOf("sha256", content)).toHaveLength(32);
  });
});

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function armouredText(base64: string): Uint8Array {
  return utf8(`-----BEGIN CMS-----\n${base64}\n-----END CMS-----\n`);
}

/** The elements of a SignerInfo changed: version, sid, digest, attributes, signature algorithm, signature. */
function changed(change: (info: readonly Uint8Array[]) => readonly Uint8Array[]): EnvelopeParts {
  const info = elements(parts.signerInfos[0]);
  return { ...parts, signerInfos: [der(0x30, ...change(info))] };
}

/** The SignerInfo in BER wherever it may be. */
function berSigner(): EnvelopeParts {
  const [version, sid, digest, attributes, algorithm, signature] = elements(parts.signerInfos[0]);
  const [issuer, serial] = elements(sid);
  const ber = indefinite(
    0x30,
    version as Uint8Array,
    indefinite(0x30, indefinite(0x30, ...elements(issuer)), serial as Uint8Array),
    indefinite(0x30, ...elements(digest)),
    attributes as Uint8Array,
    longLengths(0x30, ...elements(algorithm)),
    octetsIn([inside(signature).subarray(0, 9), [inside(signature).subarray(9)]]),
    indefinite(0xa1, inside(unsigned)),
  );
  return { ...parts, signerInfos: [ber] };
}

function elements(bytes: Uint8Array | undefined): Uint8Array[] {
  const encoded = bytes as Uint8Array;
  const outer = readElement(encoded, 0);
  const reader = new DerReader(encoded, outer, "DER");
  return reader.rest(100).map((element) => whole(encoded, element));
}

function inside(bytes: Uint8Array | undefined): Uint8Array {
  const encoded = bytes as Uint8Array;
  return contentOf(encoded, readElement(encoded, 0));
}

/** Up to where the content's octets stand, all lengths indefinite. */
function head(): Uint8Array {
  const bytes = inBer(parts);
  const at = Buffer.from(bytes).indexOf(Buffer.from(octetsIn([content])));
  return bytes.subarray(0, at);
}

function withOctets(...octets: readonly Uint8Array[]): Uint8Array {
  const bytes = inBer(parts);
  const there = octetsIn([content]);
  const at = Buffer.from(bytes).indexOf(Buffer.from(there));
  return concat([bytes.subarray(0, at), ...octets, bytes.subarray(at + there.length)]);
}

/** Up to the end of the content's part. */
function upToContent(): Uint8Array {
  return concat([head(), octetsIn([content]), Uint8Array.of(0, 0, 0, 0)]);
}

function nested(depth: number): Uint8Array {
  let octets = octetString(content);
  for (let level = 0; level < depth; level++) octets = indefinite(0x24, octets);
  return octets;
}

/** Definite lengths, but those of a tag say three bytes less than there are. */
function short(wanted: number): Wrap {
  return (tag, ...inner) => {
    const bytes = longLengths(tag, ...inner);
    if (tag === wanted) bytes[5] = (bytes[5] as number) - 3;
    return bytes;
  };
}
