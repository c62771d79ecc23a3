import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { fileHeader, readFiles } from "../../../manifests/encoding/file-stream.ts";

async function* cut(bytes: Uint8Array, piece: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.slice(at, at + piece);
}

async function read(bytes: Uint8Array, piece = 5): Promise<[string, Uint8Array][]> {
  const files: [string, Uint8Array][] = [];
  for await (const part of readFiles(cut(bytes, piece))) {
    if ("path" in part) files.push([part.path, new Uint8Array(0)]);
    else {
      const last = files.at(-1) as [string, Uint8Array];
      last[1] = concat([last[1], part.bytes]);
    }
  }
  return files;
}

describe("several files in one stream", () => {
  it("FRAME: however the bytes are cut, the same files come out", async () => {
    const path = fc.constantFrom("manifest.p7m", "policy/0001.p7m", "seals/0000/000001-a.p7s", "x_-.y");
    const files = fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 60 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 80 }), async (wanted, piece) => {
        const bytes = concat(wanted.flatMap(([name, content]) => [fileHeader(name, content.length), content]));
        expect(await read(bytes, piece)).toEqual(wanted);
      }),
    );
  });

  it.each(["", ".", "..", "../x", "/etc/passwd", "a//b", "a/", "a b", "a/../b", "a\\b", "ä", "...", "a\0"])(
    "T2: the path %j is refused",
    async (path) => {
      await expect(read(fileHeader(path, 0))).rejects.toMatchObject({ code: "FRAME" });
    },
  );

  it("T5: a path over 1 KiB, and one that is no text, are refused with FRAME as soon as their length or bytes are there", async () => {
    await expect(read(fileHeader("a".repeat(1024), 0))).resolves.toHaveLength(1);
    await expect(read(fileHeader("a".repeat(1025), 0).subarray(0, 2))).rejects.toMatchObject({ code: "FRAME" });
    await expect(read(Uint8Array.of(0, 1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0))).rejects.toMatchObject({ code: "FRAME" });
  });

  it("FRAME: a stream that ends within a header or a file is refused", async () => {
    const whole = concat([fileHeader("a", 3), utf8("abc")]);
    for (let length = 1; length < whole.length; length++) {
      await expect(read(whole.subarray(0, length)), `${length}`).rejects.toMatchObject({ code: "FRAME" });
    }
  });

  it("T4: a size over 2^53 is refused", async () => {
    const header = fileHeader("a", 0);
    header.set([0x80, 0, 0, 0, 0, 0, 0, 0], 3);
    await expect(read(header)).rejects.toMatchObject({ code: "FRAME" });
  });
});
