import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { concat, fromUtf8, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import type { ListedDocument, RequestHead } from "../../../manifests/records/request.ts";
import { identityHasher, RequestReader, requestBytes } from "../../../manifests/records/request-stream.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";

const head: RequestHead = {
  batch: "2026-11-23-contracts",
  digestAlgorithm: "sha256",
  expires: "2026-11-24T18:00:00Z",
  mode: "test",
  purpose: 'Q4 "supplier" contracts, [draft] {final} \\ ü',
  type: "batch-request",
  version: 1,
};
const document = (name: string, size = 1): ListedDocument => ({ digest: "ab".repeat(32), name, size });

function read(bytes: Uint8Array, piece = bytes.length || 1) {
  const reader = new RequestReader();
  const documents: ListedDocument[] = [];
  for (let at = 0; at < bytes.length; at += piece) documents.push(...reader.push(bytes.subarray(at, at + piece)));
  return { head: reader.end(), documents, count: reader.count, bytes: reader.bytes };
}

const codeOf = (bytes: Uint8Array): RefusalCode | "read" => {
  try {
    read(bytes);
    return "read";
  } catch (thrown) {
    return (thrown as { code: RefusalCode }).code;
  }
};

describe("the request as a stream", () => {
  it("SAME-BYTES: what is written is canonical JSON of the whole, and is read the same", () => {
    const documents = [document("a.pdf", 3), document("Übersicht 2026.pdf", 4)];
    const bytes = concat([...requestBytes(head, documents)]);
    expect(bytes).toEqual(canonicalBytes({ ...head, documents: documents as unknown as Json } as unknown as Json));
    expect(read(bytes)).toEqual({ head, documents, count: 2, bytes: 7 });
  });

  it("SAME-BYTES: however the bytes are cut, the same documents come out", () => {
    const names = fc.uniqueArray(fc.integer({ min: 0, max: 99_999 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 700 }), (numbers, piece) => {
        const documents = numbers.map((n) => document(`${n} "[{,}]".txt`.replaceAll('"', "'"), n));
        const bytes = concat([...requestBytes(head, documents)]);
        expect(read(bytes, piece).documents).toEqual(documents);
      }),
    );
  });

  it("MEDIA-LIMIT: one document more than may be ends the reading, whatever comes after", () => {
    const three = concat([
      ...requestBytes(
        head,
        ["a", "b", "c"].map((name) => document(name)),
      ),
    ]);
    expect(new RequestReader(3).push(three).length).toBe(3);
    const begun = three.subarray(0, three.lastIndexOf(0x5d));
    const reader = new RequestReader(2);
    expect(() => reader.push(begun)).toThrow(expect.objectContaining({ code: "MEDIA-LIMIT" }));
    expect(reader.count).toBe(2);
  });

  it("SAME-BYTES: a request with one byte changed is another request or none", () => {
    const bytes = concat([...requestBytes(head, [document("a.pdf"), document("b.pdf")])]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const copy = bytes.slice();
        copy[at] = (copy[at] as number) ^ change;
        let again: Uint8Array | undefined;
        try {
          const found = read(copy);
          again = concat([...requestBytes(found.head, found.documents)]);
        } catch (thrown) {
          expect((thrown as { code: string }).code).toMatch(/^(JSON|SHAPE|DOCUMENT-NAME|DOCUMENT-TWICE)$/);
          return;
        }
        expect(again).toEqual(copy);
      }),
      { numRuns: 2000 },
    );
  });

  it("SAME-BYTES: a list of 100,000 is written in small pieces and read with little memory", () => {
    const count = 100_000;
    const documents = function* () {
      for (let n = 0; n < count; n++) yield document(`document-${n}-with-a-name-of-usual-length.pdf`, n);
    };
    const reader = new RequestReader();
    let seen = 0;
    let largest = 0;
    for (const piece of requestBytes(head, documents())) {
      largest = Math.max(largest, piece.length);
      for (const one of reader.push(piece))
        seen += one.name === `document-${seen}-with-a-name-of-usual-length.pdf` ? 1 : 0;
    }
    expect(largest).toBeLessThanOrEqual(64 * 1024);
    expect(reader.end()).toEqual(head);
    expect([seen, reader.count, reader.bytes]).toEqual([count, count, (count * (count - 1)) / 2]);
  });

  const whole = fromUtf8(concat([...requestBytes(head, [document("a.pdf"), document("b.pdf")])]));
  const entry = (name: string) => `{"digest":"${"ab".repeat(32)}","name":"${name}","size":1}`;
  const edited: readonly (readonly [string, RefusalCode, string])[] = [
    ["a space between documents", "JSON", whole.replace("},{", "}, {")],
    ["a trailing comma", "JSON", whole.replace("}],", "},],")],
    ["a missing comma", "JSON", whole.replace("},{", "}{")],
    ["something after the end", "JSON", `${whole}\n`],
    ["a member twice", "JSON", whole.replace('"version":1', '"version":1,"version":1')],
    ["an unknown member", "SHAPE", whole.replace('"version":1', '"version":1,"x":1')],
    ["an unknown member of a document", "SHAPE", whole.replace('"size":1}', '"size":1,"x":1}')],
    ["the list in another place", "JSON", swapped(whole)],
    ["a second list", "SHAPE", whole.replace('"version":1', '"version":1,"zdocuments":[]')],
    ["no documents", "SHAPE", whole.replace(/\[\{.*\}\]/, "[]")],
    ["documents that are no objects", "JSON", whole.replace(/\[\{.*\}\]/, "[1]")],
    ["members in another order", "JSON", whole.replace(/("mode":"test"),("purpose":.*),"type"/, '$2,$1,"type"')],
    ["an escaped letter", "JSON", whole.replace('"a.pdf"', '"\\u0061.pdf"')],
    ["a fraction", "JSON", whole.replace('"size":1', '"size":1.5')],
    ["an exponent", "JSON", whole.replace('"size":1', '"size":1e0')],
    ["a huge number", "JSON", whole.replace('"size":1', '"size":9007199254740993')],
    ["a negative size", "SHAPE", whole.replace('"size":1', '"size":-1')],
    ["a lone surrogate", "JSON", whole.replace('"a.pdf"', '"\\ud800.pdf"')],
    ["__proto__", "JSON", whole.replace('"version":1', '"version":1,"__proto__":{}')],
    ["a digest of another length", "SHAPE", whole.replace("ab".repeat(32), "ab".repeat(48))],
    ["an upper-case digest", "SHAPE", whole.replace("ab".repeat(32), "AB".repeat(32))],
    ["another type", "SHAPE", whole.replace("batch-request", "policy")],
    ["another version", "SHAPE", whole.replace('"version":1', '"version":2')],
    ["a time that does not exist", "SHAPE", whole.replace("2026-11-24", "2026-02-30")],
    ["a name twice", "DOCUMENT-TWICE", whole.replace("b.pdf", "a.pdf")],
    ["a name that FAT takes for another", "DOCUMENT-TWICE", whole.replace("b.pdf", "A.PDF")],
    ["a path", "DOCUMENT-NAME", whole.replace("a.pdf", "../a.pdf")],
    ["a bidirectional override", "DOCUMENT-NAME", whole.replace("a.pdf", "a\u202epdf.exe")],
    ["an entry of several kilobytes", "SHAPE", whole.replace("a.pdf", "a".repeat(3000))],
    ["sizes over 2^53 together", "SHAPE", whole.replaceAll('"size":1', '"size":9007199254740991')],
    ["the end cut off", "JSON", whole.slice(0, whole.indexOf("},{") + 1)],
    ["nothing", "JSON", ""],
    ["only a list", "SHAPE", `[${entry("a")}]`],
    ["a purpose without end", "SHAPE", whole.slice(0, 30) + "x".repeat(10_000)],
    ["members without end after the list", "SHAPE", whole.replace("Q4", "Q".repeat(9000))],
  ];
  it.each(edited)("T29: %s is refused (%s)", (_, code, text) => {
    expect(text).not.toBe(whole);
    expect(codeOf(utf8(text))).toBe(code);
  });

  it("T2: the writer refuses what the reader would refuse", () => {
    expect(() => [...requestBytes(head, [document("../x")])]).toThrow(
      expect.objectContaining({ code: "DOCUMENT-NAME" }),
    );
    expect(() => [...requestBytes({ ...head, batch: "" }, [document("x")])]).toThrow(
      expect.objectContaining({ code: "SHAPE" }),
    );
  });
});

describe("the identity of a batch", () => {
  const identity = async (documents: readonly ListedDocument[], key = "cd".repeat(32), batch = "b-1") => {
    const hasher = identityHasher(nodeHost, key, batch);
    for (const one of documents) hasher.add(one);
    return hex(await hasher.end());
  };
  const documents = [document("a", 1), document("b", 2)];

  it("SEAL-ONCE: is the SHA-256 of batch, ordered digests and sizes, and submitter, in canonical JSON", async () => {
    const value = {
      batch: "b-1",
      documents: documents.map(({ digest, size }) => ({ digest, size })),
      submitter: "cd".repeat(32),
    };
    expect(await identity(documents)).toBe(hex(sha256(canonicalBytes(value))));
  });

  it("SEAL-ONCE: does not change with names; changes with order, batch and key", async () => {
    const usual = await identity(documents);
    expect(await identity(documents.map((one, at) => ({ ...one, name: `renamed-${at}` })))).toBe(usual);
    const others = [
      await identity([...documents].reverse()),
      await identity(documents.slice(1)),
      await identity(documents, "ce".repeat(32)),
      await identity(documents, undefined, "b-2"),
    ];
    expect(new Set([usual, ...others]).size).toBe(5);
  });

  it("SEAL-ONCE: a long list is the same as in one piece", async () => {
    const many = Array.from({ length: 3000 }, (_, n) => document(`${n}`, n));
    const value = {
      batch: "b-1",
      documents: many.map(({ digest, size }) => ({ digest, size })),
      submitter: "cd".repeat(32),
    };
    expect(await identity(many)).toBe(hex(sha256(canonicalBytes(value))));
  });
});

/** The list moved behind `expires`; still a JSON object of the same members. */
function swapped(whole: string): string {
  const list = /"documents":\[.*\],/.exec(whole)?.[0] ?? "";
  const expires = /"expires":"[^"]*",/.exec(whole)?.[0] ?? "";
  return whole.replace(list, "").replace(expires, expires + list);
}
