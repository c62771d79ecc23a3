import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NewFile, writeNewFile } from "../../../desk/container/new-file.ts";
import { openContainer } from "../../../desk/container/zip-read.ts";
import { ZipWriter } from "../../../desk/container/zip-write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { zipPrograms } from "../../verifiers/zip-programs.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-zip64-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A file that keeps no zeros, so that several GiB of them take no room. */
async function sparseFile(path: string): Promise<{ readonly file: NewFile; readonly handle: FileHandle }> {
  const handle = await open(path, "wx+");
  const zeros = Buffer.alloc(1 << 24);
  const sparse = {
    write: async (bytes: Uint8Array, at: number, length: number, position: number) => {
      if (length === zeros.length && zeros.equals(bytes)) return { bytesWritten: length };
      return handle.write(bytes, at, length, position);
    },
  };
  return { file: new NewFile(sparse as unknown as FileHandle), handle };
}

async function* zerosOf(pieces: number): AsyncGenerator<Uint8Array> {
  const zeros = new Uint8Array(1 << 24);
  for (let piece = 0; piece < pieces; piece++) yield zeros;
}

const listing = (path: string) =>
  JSON.parse(
    execFileSync(
      "python3",
      [
        "-c",
        "import json,sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);print(json.dumps([[i.filename,i.file_size,i.CRC] for i in z.infolist()]))",
        path,
      ],
      { maxBuffer: 1 << 26 },
    ).toString(),
  );

describe("containers beyond 4 GiB and 65,535 files", () => {
  it.skipIf(!zipPrograms.python)(
    "BUNDLE-FORM: hold a document of more than 4 GiB, and one after it",
    async () => {
      const path = join(dir, "large");
      const { file, handle } = await sparseFile(path);
      const zip = new ZipWriter(file);
      await zip.addBytes("mimetype", utf8("x"));
      await zip.addStream("large.bin", zerosOf(257), 257 * 2 ** 24);
      await zip.addBytes("after.txt", utf8("after"));
      await zip.end();
      await file.flush();
      await handle.close();
      const container = await openContainer(path);
      expect([...container.paths]).toEqual(["mimetype", "large.bin", "after.txt"]);
      expect(await container.read("after.txt", 10)).toEqual(utf8("after"));
      container.close();
      expect(listing(path)).toEqual([
        ["mimetype", 1, expect.any(Number)],
        ["large.bin", 257 * 2 ** 24, expect.any(Number)],
        ["after.txt", 5, expect.any(Number)],
      ]);
    },
    60_000,
  );

  it.skipIf(!zipPrograms.python)(
    "BUNDLE-FORM: hold more than 65,535 files, and small ones have no ZIP64 in them",
    async () => {
      for (const count of [3, 70_000]) {
        const path = join(dir, `${count}`);
        await writeNewFile(path, async (file) => {
          const zip = new ZipWriter(file);
          for (let at = 0; at < count; at++) await zip.addBytes(`${Math.floor(at / 1000)}/${at}`, utf8(`${at}`));
          await zip.end();
        });
        const container = await openContainer(path);
        expect([...container.paths]).toHaveLength(count);
        expect(await container.read(`0/2`, 10)).toEqual(utf8("2"));
        container.close();
        expect(listing(path)).toHaveLength(count);
        expect(readFileSync(path).includes(Buffer.from("PK\x06\x06"))).toBe(count > 0xffff);
      }
    },
    60_000,
  );

  it("MEDIA-CHANGED: a file that is longer or shorter than it was said to be makes no container", async () => {
    for (const size of [3, 5]) {
      const path = join(dir, "changed");
      const writing = writeNewFile(path, async (file) => {
        await new ZipWriter(file).addStream("x", piecesOf([utf8("four")]), size);
      });
      await expect(writing).rejects.toMatchObject({ code: "MEDIA-CHANGED" });
      await expect(openContainer(path)).rejects.toMatchObject({ code: "USAGE" });
    }
  });
});

async function* piecesOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
