import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  certificatePath,
  checkDocumentName,
  collisionKey,
  isBatchFolder,
  policyPath,
  sealPath,
  shown,
} from "../../../manifests/records/names.ts";

describe("names that people and media bring in", () => {
  it.each(["a", "contract 0113.pdf", "Übersicht 2026.pdf", "日本語.txt", "-x", ".hidden", "a'b", "console.txt", "💾"])(
    "DOCUMENT-NAME: %j is a name",
    (name) => expect(() => checkDocumentName(name)).not.toThrow(),
  );

  it.each([
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    "/a",
    "C:a",
    "a*",
    "a?",
    'a"',
    "<a>",
    "a|b",
    "a\0",
    "a\nb",
    "\u007f",
    "a\u0085",
    "a\u202eb",
    "a\u2066b",
    "a\u200bb",
    "a\ufeff",
    "\ud800",
    "a\u2028b",
    "U\u0308bersicht",
    " a",
    "a ",
    "a.",
    "con",
    "NUL.txt",
    "com1.x",
    "lpt9",
    "\ue000",
    "a".repeat(256),
    "ü".repeat(128),
  ])("T2: %j is refused", (name) => {
    expect(() => checkDocumentName(name)).toThrow(expect.objectContaining({ code: "DOCUMENT-NAME" }));
  });

  it("T26: names that a FAT file system takes for one have one key", () => {
    for (const [a, b] of [
      ["Batch.p7m", "BATCH.P7M"],
      ["Ü.pdf", "ü.pdf"],
      ["straße", "STRASSE"],
    ] as const) {
      expect(collisionKey(a)).toBe(collisionKey(b));
    }
    expect(collisionKey("a1")).not.toBe(collisionKey("a2"));
  });

  it("T26: a seal's path is lower case, of known length, and of its index alone distinct", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.string({ unit: "binary", maxLength: 300 }),
        (index, name) => {
          const path = sealPath(index, name);
          expect(path).toMatch(/^seals\/\d{4}\/\d{6,7}-[a-z0-9.-]{0,64}\.p7s$/);
          expect(path).toContain(`/${String(index).padStart(6, "0")}-`);
        },
      ),
    );
    expect(sealPath(1, "Contract.PDF")).toBe("seals/0000/000001-contract.pdf.p7s");
    expect(sealPath(1000, "a")).toBe("seals/0000/001000-a.p7s");
    expect(sealPath(1001, "a")).toBe("seals/0001/001001-a.p7s");
  });

  it("T2: names are shown as printable ASCII", () => {
    expect(shown("a\u202eb\\ü\n")).toBe("a\\u{202e}b\\\\\\u{fc}\\u{a}");
    fc.assert(fc.property(fc.string({ unit: "binary" }), (name) => /^[ -~]*$/.test(shown(name))));
  });

  it("MEDIA-NAME: batch folders are of a-z 0-9 . _ -, at most 64", () => {
    for (const name of ["a", "2026-11-23_contracts.1", "x".repeat(64)]) expect(isBatchFolder(name)).toBe(true);
    for (const name of ["", ".", "..", "A", "a b", "ä", "x".repeat(65), "a/b", "con", "nul.1", "lpt9.a.b", "q4."])
      expect(isBatchFolder(name)).toBe(false);
    for (const name of ["conference", "com", "lpt10", "x.con"]) expect(isBatchFolder(name)).toBe(true);
  });

  it("BUNDLE-FORM: policies and certificates have their places", () => {
    expect(policyPath(1)).toBe("policy/0001.p7m");
    expect(certificatePath("sealing", 2)).toBe("certificates/sealing-2.der");
  });
});
