import { describe, expect, it } from "vitest";
import { Recent } from "../../../manifests/encoding/recent.ts";
import { knownEncoding } from "../../../manifests/x509/known-encodings.ts";
import { root } from "../../bundle/people.ts";

/** So many bytes that differ in the first, and are alike in length and end. */
const alike = (first: number, length = 40) => Uint8Array.from({ length }, (_, at) => (at === 0 ? first : 7));

describe("what was read from bytes before", () => {
  it("is found by all of its bytes, also where others are as long and end the same", () => {
    const recent = new Recent<string>(4);
    for (const name of [1, 2, 3]) recent.keep(alike(name), `${name}`);
    recent.keep(new Uint8Array(0), "empty");
    expect([1, 2, 3].map((name) => recent.find(alike(name)))).toEqual(["1", "2", "3"]);
    expect(recent.find(new Uint8Array(0))).toBe("empty");
    for (const other of [alike(4), alike(1, 39), Uint8Array.of(0)]) expect(recent.find(other)).toBeUndefined();
  });

  it("is found where it stands among other bytes, and nothing beside it is looked at", () => {
    const recent = new Recent<string>(4);
    recent.keep(alike(1), "1");
    const among = Uint8Array.of(9, ...alike(1), 7, ...alike(2));
    expect(recent.find(among, 1, 41)).toBe("1");
    for (const [start, end] of [
      [0, 40],
      [1, 40],
      [1, 42],
      [2, 42],
      [42, 82],
      [82, 82],
      [60, 100],
    ] as const)
      expect(recent.find(among, start, end), `${start} to ${end}`).toBeUndefined();
  });

  it("makes room for what is new: the oldest goes, alone", () => {
    const recent = new Recent<number>(2);
    for (const name of [1, 2, 3]) recent.keep(alike(name), name);
    expect([1, 2, 3].map((name) => recent.find(alike(name)))).toEqual([undefined, 2, 3]);
    recent.keep(alike(1, 50), 50);
    expect([alike(2), alike(3), alike(1, 50)].map((bytes) => recent.find(bytes))).toEqual([undefined, 3, 50]);
  });
});

describe("the encoding of a certificate", () => {
  it("DER: is one piece of memory for equal bytes, of its own, and looked through before it is", () => {
    const bytes = root.certificate.slice();
    const known = knownEncoding(bytes);
    expect(known).toEqual(bytes);
    expect(known).not.toBe(bytes);
    expect(knownEncoding(root.certificate.slice())).toBe(known);
    bytes.fill(0, 10, 20);
    expect(known).toEqual(root.certificate);
    expect(() => knownEncoding(bytes)).toThrow(expect.objectContaining({ code: "DER" }));
  });
});
