import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPlainJson } from "../../../manifests/encoding/plain-json.ts";
import { Refusal } from "../../../manifests/refusal.ts";

function codeOf(text: string): string {
  try {
    readPlainJson(text);
    return "taken";
  } catch (fault) {
    return fault instanceof Refusal ? fault.code : "INTERNAL";
  }
}

describe("JSON that people write", () => {
  it("T29: any value in any layout is read as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 2, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(readPlainJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("T29: a member that stands twice in one object is refused, however it is written; in two objects it is not", () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"thresholds": {"seal": 3}, "b": [1, {"c": "}"}], "thresholds": {"seal": 2}}',
      '{"a" : 1, "\\u0061":2}',
      '[{"x":{"y":1,"z":{"y":1},"y":2}}]',
      '{"a\\"b":1,"a\\"b":2}',
    ]) {
      expect(codeOf(text), text).toBe("JSON");
    }
    for (const text of [
      '[{"a":1},{"a":2}]',
      '{"a":{"a":{"a":1}}}',
      '{"a":"\\"b\\":1","b":[{"b":":{"}]}',
      '["a","a"]',
    ]) {
      expect(codeOf(text), text).toBe("taken");
    }
  });

  it("T29: what is no JSON is refused with JSON", () => {
    for (const text of ["", "{", '{"a"}', "{'a':1}", '{"a":1}}', "\u0000"]) expect(codeOf(text), text).toBe("JSON");
  });
});
