import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { TarReader } from "../../../ledger/serve/tar-reader.ts";
import { unpackArchive } from "../../../ledger/serve/unpack-upload.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { ending, header, type Member, member, tar } from "./tars.ts";

const limits = { entries: 10, fileBytes: 5000 };

/** What is in it, in pieces of so many bytes. */
function read(archive: Uint8Array, piece = archive.length) {
  const reader = new TarReader(limits);
  const found: [string, string | null][] = [];
  for (let at = 0; at < archive.length; at += piece) {
    for (const part of reader.push(archive.subarray(at, at + piece))) {
      if (part.kind === "folder") found.push([part.path, null]);
      if (part.kind === "file") found.push([part.path, ""]);
      const last = found.at(-1);
      if (part.kind === "bytes" && last) last[1] += Buffer.from(part.bytes).toString("latin1");
    }
  }
  reader.end();
  return found;
}

const files: readonly Member[] = [
  { name: "./" },
  { name: "coldseal/", type: "5" },
  { name: "coldseal/a", bytes: "one" },
  { name: "b.p7s", prefix: "coldseal/outbox/batch-1/seals/0000", bytes: "x".repeat(1024) },
  { name: "empty" },
].map((one) => (one.name === "./" ? { ...one, type: "5" } : one));

describe("UPLOAD: a tar archive", () => {
  it.each([1, 7, 511, 512, 513, 100_000])("gives its files and folders, whatever the pieces of %i bytes", (piece) => {
    expect(read(tar(files), piece)).toEqual([
      ["coldseal", null],
      ["coldseal/a", "one"],
      ["coldseal/outbox/batch-1/seals/0000/b.p7s", "x".repeat(1024)],
      ["empty", ""],
    ]);
  });

  it.each(["ustar", "gnu"])("as tar --format=%s writes it", (format) => {
    const dir = mkdtempSync(join(tmpdir(), "coldseal-tar-"));
    try {
      const path = "coldseal/outbox/batch-2026-11-23-contracts-of-the-fourth-quarter/seals/0000";
      mkdirSync(join(dir, path), { recursive: true });
      const name = format === "gnu" ? "a" : `000001-${"contract-".repeat(8)}.pdf.p7s`;
      writeFileSync(join(dir, path, name), "a seal");
      const { stdout } = spawnSync("tar", [`--format=${format}`, "-cf", "-", "-C", dir, "coldseal"]);
      expect(read(new Uint8Array(stdout)).at(-1)).toEqual([`${path}/${name}`, "a seal"]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  const one = { name: "a", bytes: "one" };
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["no archive", new Uint8Array(2048).fill(0x41)],
    ["another program's", concat([header({ name: "a", magic: "wrong\x0000" }), ending])],
    ["without its end", member(one)],
    ["with half of its end", concat([member(one), new Uint8Array(512)])],
    ["cut in a header", tar([one]).subarray(0, 300)],
    ["cut in a file", tar([{ ...one, bytes: "x".repeat(900) }]).subarray(0, 800)],
    ["cut in what fills a block", tar([one]).subarray(0, 600)],
    ["with something behind its end", concat([tar([]), member(one), ending])],
    ["with something in what fills a block", tar([concat([header({ ...one }), new Uint8Array(512).fill(1)])])],
    ["with another sum", tar([{ ...one, sum: "000001\0 " }])],
    ["with a size that is not octal", tar([{ ...one, size: "9" }])],
    ["with a size in GNU's binary form", tar([{ ...one, size: "\x80\0\0\0\0\0\0\0\0\0\0\x03" }])],
    ["with a negative size", tar([{ ...one, size: "-0000000003" }])],
    ["with a file that is too large", tar([{ name: "a", size: "77777777777" }])],
    ["with more files than may be", tar(Array.from({ length: 11 }, (_, n) => ({ name: `${n}` })))],
    ["with a folder that has bytes", tar([{ ...one, type: "5" }])],
    ...["1", "2", "3", "4", "6", "7", "L", "K", "x", "g", "S", "Z"].map((type): [string, Uint8Array] => [
      `with an entry of type ${type}`,
      tar([{ name: "a", type }]),
    ]),
    ...[
      "..",
      "../a",
      "a/../../b",
      "/a",
      "//a",
      "a//b",
      "./../a",
      "a/./b",
      "a\nb",
      "a\\b",
      "\u202ea",
      "",
      "a\u0000/../b".slice(0, 0),
    ].map((name): [string, Uint8Array] => [`with the name ${JSON.stringify(name)}`, tar([{ name }])]),
    ["with a prefix that goes up", tar([{ name: "a", prefix: "x/.." }])],
    ["with a folder too deep", tar([{ name: `${"a/".repeat(16)}b` }])],
    ["with a name that is no UTF-8", tar([withByte(header({ name: "ab" }), 1, 0xff)])],
  ])("is refused %s", (_, archive) => {
    expect(() => read(archive)).toThrow(expect.objectContaining({ code: "UPLOAD" }));
  });
});

it.each<[string, readonly string[], number]>([
  ["a file in three", ["a/b/c/d"], 4],
  ["two files in one", ["a/b", "a/c"], 3],
  ["one that the archive names as well", ["a/b", "a/", "a/c"], 3],
  ["one that it names before", ["a/", "a/b"], 2],
])("UPLOAD: folders count that only a name implies, each once: %s", async (_, names, made) => {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-tar-"));
  const archive = tar(names.map((name) => ({ name, type: name.endsWith("/") ? "5" : "0" })));
  const unpack = (into: string, files: number) => {
    mkdirSync(join(dir, into));
    return unpackArchive(join(dir, into), Readable.from([archive]), { bytes: 1 << 20, files });
  };
  try {
    await unpack("enough", made);
    expect(readdirSync(join(dir, "enough"), { recursive: true })).toHaveLength(made);
    await expect(unpack("fewer", made - 1)).rejects.toMatchObject({ code: "UPLOAD" });
    expect(readdirSync(join(dir, "fewer"), { recursive: true })).toHaveLength(made - 1);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

/** With the sum that it has then. */
function withByte(block: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = Buffer.from(block);
  changed[at] = byte;
  changed.fill(0x20, 148, 156);
  const sum = changed.reduce((so, one) => so + one, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return new Uint8Array(changed);
}
