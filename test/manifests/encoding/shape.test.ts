import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import {
  anyObject,
  base64Bytes,
  flag,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Reader,
  text,
  utc,
  utcOf,
  yearsAfter,
} from "../../../manifests/encoding/shape.ts";

const refused = (reader: Reader<unknown>, value: Json | undefined) =>
  expect(() => reader(value, "x"), JSON.stringify(value)).toThrow(expect.objectContaining({ code: "SHAPE" }));

const cases: readonly (readonly [string, Reader<unknown>, readonly Json[], readonly (Json | undefined)[]])[] = [
  ["literal", literal("a"), ["a"], ["b", 1, null, undefined]],
  ["oneOf", oneOf(["a", "b"]), ["a", "b"], ["c", "", ["a"], null]],
  ["text", text(3), ["a", "abc", "äöü"], ["", "abcd", "a\n", "\u0000", "\u007f", "\u009f", 1, null]],
  ["text of a form", text(9, { pattern: /^[a-z]+$/ }), ["abc"], ["Abc", "a1"]],
  ["text that may be empty", text(3, { min: 0 }), [""], ["abcd"]],
  ["integer", integer(1, 5), [1, 5], [0, 6, 1.5, "1", null, 2 ** 53]],
  ["flag", flag, [true, false], [0, "true", null]],
  ["hex of 32 bytes", hexText(), ["ab".repeat(32)], ["AB".repeat(32), "ab".repeat(31), "zz".repeat(32), 1]],
  ["hex of some lengths", hexText(1, 2), ["ab", "abcd"], ["", "a", "abc", "ababab"]],
  [
    "time",
    utc,
    ["2026-11-23T12:04:00Z", "2024-02-29T00:00:00Z"],
    [
      "2026-02-29T00:00:00Z",
      "2026-11-23T24:00:00Z",
      "2026-11-23T12:04:60Z",
      "2026-11-23T12:04:00",
      "2026-11-23T12:04:00.0Z",
      "2026-11-23T12:04:00+00:00",
      "2026-11-23",
      1,
      null,
    ],
  ],
  ["nullable", nullable(integer(0)), [null, 1], ["1", undefined]],
  ["list", list(integer(0), 1, 2), [[1], [1, 2]], [[], [1, 2, 3], ["a"], 1, null]],
  ["any object", anyObject, [{}, { a: [1] }], [[], 1, null, undefined]],
];

describe("readers of shapes", () => {
  it.each(cases)("SHAPE: %s", (_, reader, good, bad) => {
    for (const value of good) expect(reader(value, "x")).toEqual(value);
    for (const value of bad) refused(reader, value);
  });

  it("SHAPE: base64 is read as bytes, in its one form, up to its limit", () => {
    expect(base64Bytes(4)("AAEC", "x")).toEqual(Uint8Array.of(0, 1, 2));
    for (const value of ["AAE", "AAE=\n", "AAF=", "AA-_", "AAECAwQF", 1, undefined]) refused(base64Bytes(4), value);
  });

  it("SHAPE: an object has exactly its members, none from the prototype", () => {
    const reader = object({ a: integer(0), b: optional(text(5)) });
    expect(reader({ a: 1 }, "x")).toEqual({ a: 1 });
    expect(reader({ a: 1, b: "c" }, "x")).toEqual({ a: 1, b: "c" });
    for (const value of [{}, { a: 1, c: 2 }, { b: "c" }, [], "a", null, JSON.parse('{"a":1,"__proto__":{}}')]) {
      refused(reader, value as Json);
    }
    refused(object({ toString: flag }), {});
  });

  it("SHAPE: the refusal names the place", () => {
    const reader = object({ a: list(object({ b: integer(0) }), 0, 5) });
    expect(() => reader({ a: [{ b: 0 }, { b: "x" }] }, "thing")).toThrow(
      expect.objectContaining({ about: "thing.a[1].b" }),
    );
  });

  it("CLOCK: times are cut to the second and read back", () => {
    expect(utcOf(Date.parse("2026-11-23T12:04:00.999Z"))).toBe("2026-11-23T12:04:00Z");
    expect(yearsAfter("2026-11-23T12:04:00Z", 10)).toBe("2036-11-23T12:04:00Z");
    expect(yearsAfter("2028-02-29T12:04:00Z", 1)).toBe("2029-03-01T12:04:00Z");
    expect(yearsAfter("9950-01-01T00:00:00Z", 100)).toBe("9999-12-31T23:59:59Z");
    fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), (at) => utc(utcOf(at), "x") === utcOf(at)));
  });
});
