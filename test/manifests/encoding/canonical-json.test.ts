import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonical, canonicalBytes, type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../../manifests/refusal.ts";

const json = fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }).map((value) => wholeNumbers(value as Json));

describe("canonical JSON", () => {
  it("T29: RFC 8785's own example of order and escapes", () => {
    const value = {
      "€": "Euro",
      "\r": "CR",
      "\ufb33": "Hebrew",
      "1": "One",
      "😀": "Smile",
      "\u0080": "Control",
      ö: "ö",
    };
    expect(Object.keys(JSON.parse(canonical(value)) as object)).toHaveLength(7);
    expect(canonical(value)).toBe(
      '{"\\r":"CR","1":"One","\u0080":"Control","ö":"ö","€":"Euro","😀":"Smile","\ufb33":"Hebrew"}',
    );
    expect(canonical({ string: '€$\u000f\nA\'B"\\\\"/' })).toBe('{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
    expect(canonical({ literals: [null, true, false] })).toBe('{"literals":[null,true,false]}');
  });

  it("T29: what is written is read as the same value", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(readCanonical(canonicalBytes(value))).toEqual(value);
      }),
    );
  });

  it("T29: what is read is what is written of it, by every path: names in any order or like numbers, any numbers and escapes, any depth", () => {
    const name = fc.oneof(
      fc.constantFrom("9", "10", "a", "b", "__proto__", "\ud800", "é", "\u0000"),
      fc.string({ maxLength: 2 }),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(
          null,
          true,
          0,
          -0,
          1,
          -1,
          2 ** 53,
          2 ** 53 - 1,
          1.5,
          1e21,
          "",
          "\ud800",
          "\n",
          "\u007f",
          "é",
          "a",
        ),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map((all) => Object.fromEntries(all)),
      ),
    }));
    const text = fc.oneof(
      value.map((one) => JSON.stringify(one)),
      value.map((one) => JSON.stringify(one, null, 1)),
      fc
        .tuple(fc.integer({ min: 28, max: 36 }), fc.constantFrom("1", "{}", '{"a":[]}'))
        .map(([deep, inner]) => `${"[".repeat(deep)}${inner}${"]".repeat(deep)}`),
      fc.constantFrom(
        "-0",
        "1E2",
        '"\\u0061"',
        '"\\/"',
        '{"10":1,"9":2}',
        '{"9":1,"10":2}',
        '{"a":1,"a":1}',
        '"\\ud83d\\ude00"',
      ),
    );
    const outcome = (run: () => unknown) => {
      try {
        return { read: run() };
      } catch (fault) {
        return { code: (fault as { code?: string }).code };
      }
    };
    let taken = 0;
    fc.assert(
      fc.property(text, (one) => {
        const wanted = outcome(() => {
          const parsed = JSON.parse(fromUtf8(utf8(one))) as Json;
          if (canonical(parsed) !== fromUtf8(utf8(one))) throw new Refusal("JSON", "another");
          return parsed;
        });
        if ("read" in wanted) taken++;
        expect(outcome(() => readCanonical(utf8(one)))).toEqual(wanted);
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(300);
  });

  it("T29: one value has one text, whatever the order of its members", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        if (Object.hasOwn(value, "__proto__")) return;
        expect(canonical(reversed)).toBe(canonical(value));
      }),
    );
  });

  it.each([
    ["a member twice", '{"a":1,"a":1}'],
    ["members out of order", '{"b":1,"a":1}'],
    ["white space", '{"a": 1}'],
    ["a line feed at the end", '{"a":1}\n'],
    ["a byte order mark", '\ufeff{"a":1}'],
    ["__proto__", '{"__proto__":1}'],
    ["__proto__ within", '{"a":{"__proto__":{"x":1}}}'],
    ["a lone surrogate", '"\\ud800"'],
    ["a fraction", "1.5"],
    ["a fraction that is whole", "1.0"],
    ["an exponent", "1e3"],
    ["minus zero", "-0"],
    ["a number at 2^53", "9007199254740992"],
    ["a huge number", "1e400"],
    ["an escaped letter", '"\\u0061"'],
    ["an escaped solidus", '"\\/"'],
    ["a long escape where a short one is", '"\\u000a"'],
    ["an upper-case escape", '"\\u000F"'],
    ["two values", "1 2"],
    ["nothing", ""],
    ["no JSON", "{a:1}"],
    ["33 levels", "[".repeat(34) + "]".repeat(34)],
  ])("T29: %s is refused", (_, text) => {
    expect(() => readCanonical(utf8(text))).toThrow(expect.objectContaining({ code: "JSON" }));
  });

  it("T29: bytes that are not UTF-8 are refused", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      expect(() => readCanonical(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: "JSON" }));
    }
  });

  it("T29: 32 levels are read; deeper is not written", () => {
    const deep = "[".repeat(33) + "]".repeat(33);
    expect(canonical(readCanonical(utf8(deep)))).toBe(deep);
    let value: Json = 1;
    for (let level = 0; level < 40; level++) value = [value];
    expect(() => canonical(value)).toThrow(expect.objectContaining({ code: "JSON" }));
  });

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53, "\ud800", { __proto__: null, a: "\udfff" }])(
    "T29: %j is not written",
    (value) => expect(() => canonical(value as Json)).toThrow(expect.objectContaining({ code: "JSON" })),
  );
});

function wholeNumbers(value: Json): Json {
  if (typeof value === "number") return Math.trunc(value % 2 ** 53) + 0;
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map((one: Json) => wholeNumbers(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "__proto__")
      .map(([name, one]) => [name.toWellFormed(), wholeNumbers(one as Json)]),
  );
}
