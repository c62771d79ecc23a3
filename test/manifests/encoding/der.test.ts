import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compare, concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { checkDer } from "../../../manifests/encoding/der-check.ts";
import {
  content,
  DerReader,
  readElement,
  readHeader,
  readTime,
  tag,
  whole,
} from "../../../manifests/encoding/der-read.ts";
import {
  bitString,
  boolean,
  der,
  derHeader,
  derNull,
  explicit,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  unsignedInteger,
  utcTime,
  utf8String,
} from "../../../manifests/encoding/der-write.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { Refusal } from "../../../manifests/refusal.ts";

const bytes = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));
const reader = (encoded: Uint8Array): DerReader =>
  new DerReader(encoded, { start: 0, end: encoded.length }, "CMS-FORM");

function code(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : `threw ${String(thrown)}`;
  }
}

describe("what is written is read", () => {
  it("DER: lengths take the fewest bytes", () => {
    for (const [length, header] of [
      [0, "04 00"],
      [127, "04 7f"],
      [128, "04 81 80"],
      [255, "04 81 ff"],
      [256, "04 82 0100"],
      [65_536, "04 83 010000"],
      [0xffff_ffff, "04 84 ffffffff"],
    ] as const) {
      expect(derHeader(4, length)).toEqual(bytes(header));
    }
    fc.assert(
      fc.property(fc.nat(70_000), (length) => {
        const encoded = octetString(new Uint8Array(length));
        expect(readElement(encoded, 0)).toMatchObject({ tag: 4, end: encoded.length, start: encoded.length - length });
      }),
    );
  });

  it("DER: whole numbers", () => {
    for (const [value, encoding] of [
      [0, "02 01 00"],
      [127, "02 01 7f"],
      [128, "02 02 0080"],
      [255, "02 02 00ff"],
      [256, "02 02 0100"],
      [-1, "02 01 ff"],
      [-128, "02 01 80"],
      [-129, "02 02 ff7f"],
    ] as const) {
      expect(integer(value)).toEqual(bytes(encoding));
    }
    fc.assert(
      fc.property(
        fc.nat(Number.MAX_SAFE_INTEGER).filter((value) => value < 2 ** 47),
        (value) => {
          expect(reader(integer(value)).smallInteger()).toBe(value);
        },
      ),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 400n }), (value) => {
        const octets = reader(integer(value)).unsigned();
        expect(BigInt(`0x${octets.toHex()}`)).toBe(value);
        expect(unsignedInteger(octets)).toEqual(integer(value));
        expect(unsignedInteger(concat([new Uint8Array(3), octets]))).toEqual(integer(value));
      }),
    );
  });

  it("DER: object identifiers, arcs of any size", () => {
    const arc = fc.oneof(fc.nat(200), fc.bigInt({ min: 0n, max: 2n ** 100n }));
    const start = fc.oneof(fc.tuple(fc.constantFrom(0, 1), fc.nat(39)), fc.tuple(fc.constant(2), arc));
    fc.assert(
      fc.property(start, fc.array(arc, { maxLength: 3 }), (first, rest) => {
        const text = [...first, ...rest].join(".");
        expect(reader(objectIdentifier(text)).oid()).toBe(text);
      }),
    );
    for (const text of ["", "1", "3.1", "1.40", "0.40", "1.2.", ".1.2", "1.02", "1.2.-3", "1.2.x", "1.2\n"]) {
      expect(code(() => objectIdentifier(text))).toBe("DER");
    }
  });

  it("DER: what was read of one identifier is not told of another whose bytes came to stand in the same memory", () => {
    const [first, other] = ["1.2.77.4", "1.2.78.4"].map(objectIdentifier) as [Uint8Array, Uint8Array];
    const memory = Buffer.from(first); // a slice of a Buffer is no copy
    expect(reader(memory).oid()).toBe("1.2.77.4");
    memory.set(other);
    expect(reader(other).oid()).toBe("1.2.78.4");
    expect(reader(first).oid()).toBe("1.2.77.4");
  });

  it("DER: times are UTCTime up to 2049 and GeneralizedTime after (RFC 5652 11.3)", () => {
    expect(time("2049-12-31T23:59:59Z")).toEqual(der(0x17, utf8("491231235959Z")));
    expect(time("2050-01-01T00:00:00Z")).toEqual(der(0x18, utf8("20500101000000Z")));
    expect(time("1949-12-31T23:59:59Z")).toEqual(der(0x18, utf8("19491231235959Z")));
    expect(time("1950-01-01T00:00:00Z")).toEqual(der(0x17, utf8("500101000000Z")));
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
        (date) => {
          const text = utcOf(date.getTime());
          const encoded = time(text);
          expect(readTime(encoded, readElement(encoded, 0))).toBe(text);
        },
      ),
    );
    expect(code(() => utcTime("2050-01-01T00:00:00Z"))).toBe("DER");
    expect(code(() => time("2026-11-23T12:00:00.5Z"))).toBe("DER");
  });

  it("DER: a SET OF is sorted whatever order it was given in (X.690 11.6)", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 6 }), (values) => {
        const parts = values.map(octetString);
        expect(setOf(...parts)).toEqual(setOf(...[...parts].reverse()));
        const read = reader(setOf(...parts)).enter(tag.set);
        const elements = read.rest(10).map((element) => whole(read.bytes, element));
        expect(elements).toEqual([...parts].sort(compare));
      }),
    );
  });

  it("DER: any tree of what we write is strict, and OpenSSL parses it", () => {
    const leaf = fc.oneof(
      fc.integer().map(integer),
      fc.boolean().map(boolean),
      fc.uint8Array({ maxLength: 300 }).map(octetString),
      fc.uint8Array({ maxLength: 20 }).map((value) => bitString(value)),
      fc.string({ unit: "grapheme", maxLength: 20 }).map(utf8String),
      fc.constant(derNull),
      fc.constant(objectIdentifier("1.2.840.113549")),
    );
    const { tree } = fc.letrec<{ tree: Uint8Array }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc
          .tuple(
            fc.constantFrom(sequence, (...parts: Uint8Array[]) => explicit(1, ...parts)),
            fc.array(tie("tree"), { maxLength: 4 }),
          )
          .map(([make, parts]) => make(...parts)),
      ),
    }));
    fc.assert(
      fc.property(tree, (encoded) => {
        expect(code(() => checkDer(encoded))).toBe("accepted");
      }),
    );
    const sample = sequence(...fc.sample(tree, 20));
    const parse = () =>
      execFileSync("openssl", ["asn1parse", "-inform", "DER"], { input: sample, stdio: ["pipe", "pipe", "pipe"] });
    expect(parse().toString()).toContain("SEQUENCE");
  });
});

describe("T6: what is not strict is refused", () => {
  const bad: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["a tag alone", "04"],
    ["a length that is cut off", "04 82 01"],
    ["content that is cut off", "04 02 00"],
    ["tag zero", "00 00"],
    ["a tag of several bytes", "1f 81 01 00"],
    ["a tag of several bytes that looks like one", "1f 00"],
    ["an indefinite length", "30 80 00 00"],
    ["an indefinite length without an end", "30 80"],
    ["the reserved length", "04 ff"],
    ["a long form for a short length", "04 81 01 00"],
    ["a leading zero in a length", `04 82 00 80 ${"00".repeat(128)}`],
    ["a length of five bytes", "04 85 01 00 00 00 00"],
    ["a length of four gigabytes", "04 84 ff ff ff ff"],
    ["something after it", "05 00 00"],
    ["a BOOLEAN of 01", "01 01 01"],
    ["a BOOLEAN of two bytes", "01 02 ff ff"],
    ["an empty INTEGER", "02 00"],
    ["an INTEGER with a leading zero", "02 02 00 01"],
    ["an INTEGER with a leading ff", "02 02 ff 80"],
    ["an ENUMERATED with a leading zero", "0a 02 00 01"],
    ["an empty BIT STRING", "03 00"],
    ["a BIT STRING of no bytes with padding", "03 01 01"],
    ["a BIT STRING of eight unused bits", "03 02 08 00"],
    ["a BIT STRING with padding that is not zero", "03 02 01 01"],
    ["a NULL with content", "05 01 00"],
    ["an empty object identifier", "06 00"],
    ["an object identifier that is cut off", "06 02 2a 86"],
    ["an object identifier with a leading 80", "06 03 2a 80 01"],
    ["an object identifier of 65 bytes", `06 41 ${"01".repeat(65)}`],
    ["text that is not UTF-8", "0c 02 c3 28"],
    ["text with an encoded surrogate", "0c 03 ed a0 80"],
    ["a primitive SEQUENCE", "10 00"],
    ["a primitive SET", "11 00"],
    ["a constructed OCTET STRING", "24 02 04 00"],
    ["a constructed INTEGER", "22 03 02 01 00"],
    ["a SET out of order", "31 06 02 01 02 02 01 01"],
    ["a SET that holds a thing twice", "31 06 02 01 01 02 01 01"],
    ["a UTCTime without seconds", "17 0b 32 36 31 31 32 33 31 32 30 30 5a"],
    ["a UTCTime with an offset", `17 11 ${utf8("261123120000+0100").toHex()}`],
    ["an inner element that is longer than its holder", "30 03 04 02 00"],
    ["an inner indefinite length", "30 04 30 80 00 00"],
  ];
  for (const [title, encoding] of bad) {
    it(`T6: ${title}`, () => {
      expect(code(() => checkOne(bytes(encoding)))).toBe("DER");
    });
  }

  it("T6: GeneralizedTime before 2050, with fractions, without Z", () => {
    for (const text of [
      "20261123120000Z",
      "20600101000000.5Z",
      "20600101000000",
      "20600101000060Z",
      "20600231000000Z",
    ]) {
      const encoded = der(0x18, utf8(text));
      expect(code(() => readTime(encoded, readElement(encoded, 0)))).toBe("DER");
    }
    const good = generalizedTime("2060-01-01T00:00:00Z");
    expect(code(() => readTime(good, readElement(good, 0)))).toBe("accepted");
    expect(code(() => readTime(derNull, readElement(derNull, 0)))).toBe("DER");
  });

  it("T6: headers alone are as strict", () => {
    for (const encoding of ["", "04", "04 82 01", "04 85 01 00 00 00 00", "04 81 7f", "30 80", "1f 00"]) {
      expect(code(() => readHeader(bytes(encoding), 0))).toBe("DER");
    }
    expect(readHeader(bytes("04 84 ff ff ff ff"), 0)).toEqual({
      tag: 4,
      headerStart: 0,
      start: 6,
      end: 6 + 0xffff_ffff,
    });
    expect(code(() => readElement(bytes("04 02 00"), 0))).toBe("DER");
    expect(code(() => readElement(bytes("04 02 00 00"), 0, 3))).toBe("DER");
  });

  it("T6: the readers of single values are as strict", () => {
    for (const encoding of ["01 00", "01 01 01", "01 02 ff ff"])
      expect(code(() => reader(bytes(encoding)).boolean())).toBe("DER");
    for (const encoding of ["02 00", "02 02 00 7f", "02 01 80"])
      expect(code(() => reader(bytes(encoding)).unsigned())).toBe("DER");
    const ia5 = der(0x16, utf8("20600101000000Z"));
    expect(code(() => readTime(ia5, readElement(ia5, 0)))).toBe("DER");
    expect(code(() => DerReader.open(concat([sequence(), derNull]), tag.sequence, "CMS-FORM"))).toBe("CMS-FORM");
    for (const value of [1.5, Number.NaN, 2 ** 53]) expect(code(() => integer(value))).toBe("DER");
  });

  it("T6: a shape's reader names its own refusal for what is strict but not expected", () => {
    expect(code(() => reader(derNull).read(tag.integer))).toBe("CMS-FORM");
    expect(code(() => reader(new Uint8Array(0)).any())).toBe("CMS-FORM");
    expect(code(() => reader(concat([derNull, derNull])).finish())).toBe("CMS-FORM");
    expect(code(() => reader(concat([derNull, derNull])).rest(1))).toBe("CMS-FORM");
    expect(code(() => reader(integer(-1)).unsigned())).toBe("DER");
    expect(code(() => reader(integer(2n ** 48n)).smallInteger())).toBe("DER");
  });
});

describe("T5: bombs", () => {
  it("T5: depth is bounded without recursion", () => {
    const nest = (depth: number): Uint8Array => {
      let encoded: Uint8Array = new Uint8Array(0);
      for (let level = 0; level < depth; level++) encoded = sequence(encoded);
      return encoded;
    };
    expect(code(() => checkDer(nest(24)))).toBe("accepted");
    expect(code(() => checkDer(nest(25)))).toBe("DER");
    expect(code(() => checkDer(nest(20_000)))).toBe("DER");
  });

  it("T5: the number of elements is bounded", () => {
    const flood = (count: number): Uint8Array =>
      der(
        0x30,
        new Uint8Array(2 * count).map((_, index) => (index % 2 === 0 ? 5 : 0)),
      );
    expect(code(() => checkDer(flood(19_999)))).toBe("accepted");
    expect(code(() => checkDer(flood(20_000)))).toBe("DER");
    expect(code(() => checkDer(flood(2), { start: 0, end: 6 }, { depth: 5, elements: 3 }))).toBe("accepted");
    expect(code(() => checkDer(flood(3), { start: 0, end: 8 }, { depth: 5, elements: 3 }))).toBe("DER");
  });

  it("T5: any bytes are accepted or refused with DER, and what is accepted is read to its end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
        expect(code(() => checkDer(octets))).toMatch(/^(?:accepted|DER)$/);
      }),
      { numRuns: 5000 },
    );
    const seed = sequence(
      integer(5),
      setOf(octetString(bytes("01")), octetString(bytes("02"))),
      utf8String("x"),
      boolean(true),
    );
    fc.assert(
      fc.property(fc.nat(seed.length - 1), fc.nat(255), (at, value) => {
        const changed = seed.slice();
        changed[at] = value;
        expect(code(() => checkDer(changed))).toMatch(/^(?:accepted|DER)$/);
      }),
      { numRuns: 3000 },
    );
  });
});

/** One element and nothing else, strict at every depth. */
function checkOne(encoded: Uint8Array): Uint8Array {
  const element = readElement(encoded, 0);
  if (element.end !== encoded.length) throw new Refusal("DER", "something follows");
  checkDer(encoded);
  return content(encoded, element);
}
