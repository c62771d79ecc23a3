import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { concat, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { evenWords, oddWords } from "../../../manifests/encoding/word-list.ts";
import { matchesGroup, wordGroups, words } from "../../../manifests/encoding/words.ts";

const digest = Uint8Array.from({ length: 32 }, (_, at) => at);

describe("digests as words", () => {
  it("SAME-BYTES: the list is the published one, 256 even and 256 odd words", () => {
    expect([evenWords.length, oddWords.length]).toEqual([256, 256]);
    expect(new Set([...evenWords, ...oddWords].map((word) => word.toLowerCase())).size).toBe(512);
    // Of the words as published, one a line; also compared word by word with an independent implementation's list.
    const published = "e9b7b0052233a74aa56724ed3f79c272036aed68d8f4c0856e833c8043b9ac62";
    expect(hex(sha256(utf8(`${evenWords.join("\n")}\n${oddWords.join("\n")}`)))).toBe(published);
  });

  it("SAME-BYTES: the published example reads as published", () => {
    const example = Uint8Array.fromHex("e58294f2e9a227486e8b061b31cc528fd7fa3f19");
    const padded = concat([example, new Uint8Array(12)]);
    expect(words(padded).slice(0, 20).join(" ")).toBe(
      "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa " +
        "afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless",
    );
  });

  it("SAME-BYTES: 16 groups of two, even word first", () => {
    const groups = wordGroups(digest);
    expect(groups).toHaveLength(16);
    expect(groups[0]).toBe("aardvark adviser");
    expect(groups[15]).toBe("berserk businessman");
    expect(groups.join(" ")).toBe(words(digest).join(" "));
  });

  it("SAME-BYTES: two digests never have the same words", () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(words(a).join(" ") === words(b).join(" ")).toBe(hex(a) === hex(b));
      }),
    );
  });

  it("CHALLENGE-MATCH: what is typed is forgiven case and spaces, nothing else", () => {
    for (const typed of ["aardvark adviser", "  AARDVARK   Adviser ", "aardvarkadviser", "Aardvark\tadviser"]) {
      expect(matchesGroup(digest, 1, typed)).toBe(true);
    }
    for (const typed of [
      "",
      "aardvark",
      "adviser aardvark",
      "aardvark adviserx",
      "absurd adviser",
      "accrue aggregate",
    ]) {
      expect(matchesGroup(digest, 1, typed)).toBe(false);
    }
    expect(matchesGroup(digest, 2, wordGroups(digest)[1] as string)).toBe(true);
  });

  it("SHAPE: other lengths and other groups are refused", () => {
    expect(() => words(new Uint8Array(31))).toThrow(expect.objectContaining({ code: "SHAPE" }));
    for (const n of [0, 17, 1.5]) {
      expect(() => matchesGroup(digest, n, "x")).toThrow(expect.objectContaining({ code: "SHAPE" }));
    }
  });
});
