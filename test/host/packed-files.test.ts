/** What is packed is read as it was, by name, whatever the names and lengths are. */

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openBundle } from "../../host/packed-bundle.ts";
import { PackedFiles, Packer } from "../../host/packed-files.ts";
import { concat, utf8 } from "../../manifests/encoding/bytes.ts";

const most = 64 * 1024;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-packed-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

type Content = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

function packed(content: Content) {
  const packer = new Packer(join(dir, "packed"), most);
  for (const [path, files] of Object.entries(content)) {
    const folder = packer.folder(path);
    for (const [name, bytes] of Object.entries(files)) {
      folder.add(name, (into) => {
        expect(into.length).toBeGreaterThan(most);
        into.set(bytes);
        return into.subarray(0, bytes.length);
      });
    }
    folder.end();
  }
  packer.close();
  return packer.packed;
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Some folders, of which one does not fit into memory that is read at once. */
function content(): Content {
  const many = Array.from({ length: 300 }, (_, at) => [`${at}.p7s`, filled(at * 17, at)] as const);
  return {
    seals: {},
    "seals/0000": Object.fromEntries(many),
    "seals/0001": { empty: filled(0, 0), largest: filled(most, 1), "__proto__\n\u{1f512}": filled(1, 2) },
  };
}

describe("packed files", () => {
  it("LEDGER-BOX: are read byte for byte, in their order and in any other", () => {
    const files = new PackedFiles(packed(content()));
    const all = Object.entries(content()).flatMap(([path, inner]) =>
      Object.entries(inner).map(([name, bytes]) => [`${path}/${name}`, bytes] as const),
    );
    expect(all).toHaveLength(303);
    for (const [path, bytes] of [...all, ...all.toReversed(), ...all]) {
      expect(files.length(path)).toBe(bytes.length);
      expect(files.read(path)).toEqual(bytes);
    }
    files.close();
    expect(files.read("seals/0001/largest")).toEqual(filled(most, 1));
    files.close();
  });

  it("are named by folder; what was not packed is not there", () => {
    const files = new PackedFiles(packed(content()));
    expect(files.names("seals")).toEqual([]);
    expect(files.names("seals/0001")).toEqual(["empty", "largest", "__proto__\n\u{1f512}"]);
    expect(files.names("seals/0002")).toBeUndefined();
    expect(files.names("")).toBeUndefined();
    expect(files.read("seals/0001/299.p7s")).toBeUndefined();
    expect(files.read("seals/0001")).toBeUndefined();
    expect(files.read("constructor/constructor")).toBeUndefined();
    files.close();
  });

  it("what was given out stays as it was when more is read", () => {
    const files = new PackedFiles(packed(content()));
    const first = files.read("seals/0000/200.p7s") as Uint8Array;
    for (let at = 0; at < 300; at++) files.read(`seals/0000/${at}.p7s`);
    files.read("seals/0001/largest");
    expect(first).toEqual(filled(3400, 200));
    files.close();
  });

  it("a file of that name is not overwritten, and one that was cut is not taken for whole", () => {
    const whole = packed(content());
    expect(() => new Packer(whole.file, most)).toThrow(/EEXIST/);
    const files = new PackedFiles(whole);
    expect(files.names("seals/0001")).toHaveLength(3);
    truncateSync(whole.file, readFileSync(whole.file).length - most);
    expect(() => files.read("seals/0001/largest")).toThrow(/shorter/);
    files.close();
  });
});

describe("a bundle with packed folders", () => {
  it("LEDGER-BOX: shows the files of its folder and those that are packed as one bundle", async () => {
    writeFileSync(join(dir, "manifest.p7m"), "a manifest");
    const bundle = openBundle({ folder: dir, packed: packed(content()) });
    expect((await bundle.list("")).toSorted()).toEqual(["manifest.p7m", "packed", "seals"]);
    expect(await bundle.list("seals")).toEqual(["0000", "0001"]);
    expect(await bundle.list("seals/0000")).toHaveLength(300);
    expect(await bundle.list("seals/0009")).toEqual([]);
    expect(await bundle.read("manifest.p7m", 100)).toEqual(utf8("a manifest"));
    expect(await bundle.read("seals/0000/3.p7s", 51)).toEqual(filled(51, 3));
    const pieces: Uint8Array[] = [];
    for await (const piece of bundle.stream("seals/0000/3.p7s")) pieces.push(piece);
    expect(concat(pieces)).toEqual(filled(51, 3));
    bundle.close();
  });

  it("BUNDLE-FORM: refuses what is missing or too long, MEDIA-READ what cannot be read", async () => {
    const place = { folder: dir, packed: packed(content()) };
    const bundle = openBundle(place);
    await expect(bundle.read("seals/0000/3.p7s", 50)).rejects.toMatchObject({ code: "BUNDLE-FORM" });
    await expect(bundle.read("seals/0000/none.p7s", 50)).rejects.toMatchObject({ code: "BUNDLE-FORM" });
    await expect(bundle.read("seals/0009/3.p7s", 50)).rejects.toMatchObject({ code: "BUNDLE-FORM" });
    await expect(bundle.read("other.p7s", 50)).rejects.toMatchObject({ code: "BUNDLE-FORM" });
    bundle.close();
    rmSync(place.packed.file);
    await expect(bundle.read("seals/0000/3.p7s", 51)).rejects.toMatchObject({ code: "MEDIA-READ" });
    await expect(bundle.list("seals/0000")).rejects.toMatchObject({ code: "MEDIA-READ" });
  });
});
