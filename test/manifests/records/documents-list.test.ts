import { describe, expect, it } from "vitest";
import { concat, fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { ListReader, listLeaf, listLine, type SealedDocument } from "../../../manifests/records/documents-list.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";

const entry = (index: number, name = `${index}.pdf`): SealedDocument => ({
  digest: "ab".repeat(32),
  index,
  name,
  seal: sealPath(index, name),
  sealDigest: "cd".repeat(32),
  size: index,
});

function read(bytes: Uint8Array, piece = 7) {
  const reader = new ListReader();
  const entries: SealedDocument[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    for (const line of reader.push(bytes.subarray(at, at + piece))) {
      expect(line.leaf).toEqual(listLeaf(line.entry));
      entries.push(line.entry);
    }
  }
  reader.end();
  return { entries, count: reader.count, bytes: reader.bytes };
}

describe("documents.jsonl", () => {
  it("SAME-BYTES: lines are canonical JSON and LF, and are read in any pieces", () => {
    expect(fromUtf8(listLine(entry(1, "contract 1.pdf")))).toBe(
      `{"digest":"${"ab".repeat(32)}","index":1,"name":"contract 1.pdf","seal":"seals/0000/000001-contract-1.pdf.p7s","sealDigest":"${"cd".repeat(32)}","size":1}\n`,
    );
    const entries = Array.from({ length: 20 }, (_, at) => entry(at + 1));
    const bytes = concat(entries.map(listLine));
    for (const piece of [1, 7, 1000, 100_000]) expect(read(bytes, piece)).toEqual({ entries, count: 20, bytes: 210 });
    expect(read(new Uint8Array(0)).count).toBe(0);
  });

  const line = (value: SealedDocument) => fromUtf8(listLine(value));
  const wrong: readonly (readonly [string, RefusalCode, string])[] = [
    ["the last line without LF", "JSON", line(entry(1)).trimEnd()],
    ["CRLF", "JSON", line(entry(1)).replace("\n", "\r\n")],
    ["an empty line", "JSON", `${line(entry(1))}\n`],
    ["lines in another order", "SHAPE", line(entry(2)) + line(entry(1))],
    ["a gap", "SHAPE", line(entry(1)) + line(entry(3))],
    ["a seal somewhere else", "SHAPE", line(entry(1)).replace("000001-1.pdf", "../../x")],
    ["an unknown member", "SHAPE", line(entry(1)).replace("}", ',"x":1}')],
    ["a missing member", "SHAPE", line(entry(1)).replace(',"size":1', "")],
    ["a name with a folder", "DOCUMENT-NAME", line(entry(1)).replace('"1.pdf"', '"a/1.pdf"')],
    ["a line without end", "SHAPE", "x".repeat(5000)],
    [
      "sizes over 2^53 together",
      "SHAPE",
      line(entry(1)).replace('"size":1', '"size":9007199254740991') + line(entry(2)),
    ],
  ];
  it.each(wrong)("SHAPE: %s is refused (%s)", (_, code, text) => {
    expect(() => read(utf8(text))).toThrow(expect.objectContaining({ code }));
  });

  it("SHAPE: the writer refuses a seal's path that is not its own", () => {
    expect(() => listLine({ ...entry(1), seal: "seals/0000/x.p7s" })).toThrow(
      expect.objectContaining({ code: "SHAPE" }),
    );
  });
});
