import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collisionKey, contentPath, envelopePath } from "../../../manifests/records/names.ts";
import { documentNames, inFileOrder, isEnvelopeFile, PlainNames } from "../../../manifests/records/plain-names.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { outputNames } from "../../../media/outgoing/output-path.ts";

describe("names of plain envelopes and their documents", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["the last ending alone is left out", ["a.pdf.p7m", "b.PEM", "c.p7m.eml"], ["a.pdf", "b", "c.p7m"]],
    ["what two files would give, neither gets", ["a.p7m", "a.pem", "b.eml"], ["a.p7m", "a.pem", "b"]],
    ["what FAT takes for one is one", ["a.p7m", "A.pem"], ["a.p7m", "A.pem"]],
    ["what another file is called is taken", ["a.p7m", "a.p7m.p7m"], ["a", "a.p7m.p7m"]],
    ["what is no legal name stays whole", [".p7m", "b .p7m", "c..p7m"], [".p7m", "b .p7m", "c..p7m"]],
  ])("T26: %s", (_, files, names) => {
    expect(documentNames(files)).toEqual(names);
  });

  it("T26: whatever the files are called, their documents have legal, distinct names, which the reader takes", () => {
    const part = fc.constantFrom("a", "A", "b", ".p7m", ".pem", ".P7M", ".eml", ".", " ", "é", "ß", "SS");
    const file = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `${parts.join("")}.p7m`);
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 8 }), (files) => {
        const sorted = [...files].sort(inFileOrder);
        const names = namesOrNone(sorted);
        if (!names) return;
        expect(new Set(names.map(collisionKey)).size).toBe(names.length);
        const reader = new PlainNames();
        for (const [at, one] of sorted.entries()) reader.add(one, names[at] as string);
      }),
      { numRuns: 500 },
    );
  });

  it("T26: a content's path can be written to a stick, whatever the document is called", () => {
    const legal = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 80 })
      .filter((name) => namesOrNone([`${name}.p7m`]) !== undefined);
    fc.assert(
      fc.property(legal, fc.integer({ min: 1, max: 1_000_000 }), (name, index) => {
        for (const path of [contentPath(index, name), envelopePath(index, name)]) {
          expect(outputNames(`batch/${path}`)).toHaveLength(4);
        }
      }),
      { numRuns: 500 },
    );
    expect(contentPath(1, `${"a".repeat(60)}. . .b`)).toBe(`documents/0000/000001-${"a".repeat(60)}.-.-`);
  });

  it("T2: the order is that of bytes, not of UTF-16 units or of anybody's language", () => {
    const files = ["\u{1f600}.p7m", "\ufb00.p7m", "é.p7m", "z.p7m", "Z.p7m", "a.p7m", "a-b.p7m"];
    const inOrder = ["Z.p7m", "a-b.p7m", "a.p7m", "z.p7m", "é.p7m", "\ufb00.p7m", "\u{1f600}.p7m"];
    expect([...files].sort(inFileOrder)).toEqual(inOrder);
    expect(files.every(isEnvelopeFile)).toBe(true);
    expect(["READY", "a.p7s", "a.p7m.txt", "p7m"].some(isEnvelopeFile)).toBe(false);
  });
});

function namesOrNone(files: readonly string[]): readonly string[] | undefined {
  try {
    return documentNames(files);
  } catch (fault) {
    if (fault instanceof Refusal && (fault.code === "DOCUMENT-NAME" || fault.code === "DOCUMENT-TWICE"))
      return undefined;
    throw fault;
  }
}
