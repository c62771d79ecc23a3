import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyContainer } from "../../../desk/container/verify-container.ts";
import { openContainer } from "../../../desk/container/zip-read.ts";
import type { Finding } from "../../../manifests/verify/findings.ts";
import { root } from "../../bundle/people.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { coldseal, laid, type Place, place } from "./packed.ts";
import { rawZip } from "./raw-zip.ts";

type Files = Map<string, Uint8Array>;
let here: Place;
let genesis: string;
let batch: Files;
let document: Files;
beforeAll(async () => {
  here = place();
  ({ genesis } = await laid(here.dir));
  const words = ["pack", join(here.dir, "bundle"), "--documents", join(here.dir, "documents")];
  await coldseal(...words, "--to", join(here.dir, "batch.asice"));
  await coldseal(...words, "--each", "--to", here.dir);
  batch = await filesOf(join(here.dir, "batch.asice"));
  document = await filesOf(join(here.dir, "000002--bersicht.pdf.asics"));
});
afterAll(() => here?.end());

async function filesOf(path: string): Promise<Files> {
  const container = await openContainer(path);
  const files: Files = new Map();
  for (const name of container.paths) files.set(name, await container.read(name, 1 << 20));
  container.close();
  return files;
}

/** The verdict on these files in a container whose sizes and CRCs are right. */
async function judge(files: Files): Promise<{ readonly ok: boolean; readonly findings: readonly Finding[] }> {
  const path = join(here.dir, "changed");
  writeFileSync(path, rawZip([...files].map(([name, data]) => ({ name, data }))));
  const trust = { roots: [root.certificate], genesis, authorities: [tsaRoot.certificate], at: "2030-01-01T00:00:00Z" };
  return (await verifyContainer(path, trust)).verdict;
}

const flipped = (bytes: Uint8Array) => {
  const changed = bytes.length === 0 ? Uint8Array.of(1) : bytes.slice();
  const at = Math.max(0, changed.length - 5);
  if (bytes.length > 0) changed[at] = (changed[at] as number) ^ 1;
  return changed;
};

const kinds: readonly [string, () => Files][] = [
  ["a batch", () => batch],
  ["a document", () => document],
];

describe.each(kinds)("the container of %s, changed with right sizes and CRCs", (kind, original) => {
  it("BUNDLE-FORM: holds as it is, packed again in the same order", async () => {
    expect(await judge(original())).toMatchObject({ ok: true, findings: [] });
  });

  it("BUNDLE-FORM: no file can be changed, left out, or emptied without being found", async () => {
    for (const [path, bytes] of original()) {
      for (const other of [flipped(bytes), undefined, new Uint8Array(bytes.length === 0 ? 2 : 0)]) {
        const files = new Map(original());
        if (other) files.set(path, other);
        else files.delete(path);
        const { findings, ok } = await judge(files);
        // Nothing that the box made names the evidence: without it a document has no time, as it had before it was anchored.
        if (path === "META-INF/coldseal/evidence/0001.ers" && !other) {
          expect(await judge(files)).toMatchObject({ ok: true, provenTime: null });
          continue;
        }
        expect([ok, findings.length > 0], `${path} ${other?.length}`).toEqual([false, true]);
        expect(findings.map(({ code }) => code)).not.toContain("INTERNAL");
      }
    }
  });

  it.each([
    "note.txt",
    "META-INF/note.txt",
    "META-INF/signature2.p7s",
    "META-INF/ASiCManifest.xml",
    "META-INF/evidencerecord0002.ers",
    "META-INF/evidencerecord0001-000009.ers",
    "META-INF/coldseal/note.txt",
    "META-INF/coldseal/policy/0002.p7m",
    "META-INF/coldseal/evidence/0002.ers",
    "META-INF/coldseal/evidence/x/0001.ers",
    "bundle/note.txt",
    "bundle/evidence/0001.ers",
    "bundle/policy/0002.p7m",
    "bundle/seals/0000/000004-x.p7s",
    "bundle/documents/x",
    "documents/note.txt",
    "documents/0000/000001-x",
  ])("BUNDLE-FORM: nothing can be added: %s", async (path) => {
    for (const bytes of [new Uint8Array(0), batch.get("bundle/policy/0001.p7m") as Uint8Array]) {
      const { findings, ok } = await judge(new Map([...original(), [path, bytes]]));
      expect([ok, findings.length > 0]).toEqual([false, true]);
    }
  });

  it("MANIFEST-BIND: no two files of one kind can change places", async () => {
    const names = [...original().keys()].filter((name) => /\.(?:p7s|p7m|ers|xml|der|pdf|bin)$/.test(name));
    for (const [at, one] of names.entries()) {
      const other = names.slice(at + 1).find((name) => name.slice(-4) === one.slice(-4));
      if (other === undefined) continue;
      const files = new Map(original());
      files.set(one, original().get(other) as Uint8Array);
      files.set(other, original().get(one) as Uint8Array);
      expect((await judge(files)).ok, `${one} ${other} ${kind}`).toBe(false);
    }
  });
});

describe("what a container says", () => {
  it("BUNDLE-FORM: the other kind's media type is found", async () => {
    for (const [files, type] of [
      [batch, "s"],
      [document, "e"],
    ] as const) {
      const other = new TextEncoder().encode(`application/vnd.etsi.asic-${type}+zip`);
      expect((await judge(new Map([...files, ["mimetype", other]]))).ok).toBe(false);
    }
  });

  it("SEAL-BIND: a document of another name is found by the batch's list", async () => {
    const files = new Map([...document].map(([name, bytes]) => [name.replace("Übersicht", "Angebot"), bytes] as const));
    expect(await judge(files)).toMatchObject({ ok: false, findings: [{ code: "SEAL-BIND", file: "Angebot.pdf" }] });
  });

  it("SEAL-BIND: a container of another tool, with document and seal alone, shows what a seal alone shows", async () => {
    const few = new Map([...document].filter(([name]) => !name.startsWith("META-INF/coldseal")));
    expect(await judge(few)).toMatchObject({ ok: true, quorum: "not shown", manifest: "not shown", provenTime: null });
  });

  it("USAGE: nothing can be put beside a container, and its words come first", async () => {
    const file = join(here.dir, "batch.asice");
    const more = [[join(here.dir, "documents/empty.bin")], ["--documents", here.dir], ["--evidence", file]];
    for (const words of more) expect((await coldseal("verify", file, ...words, ...here.trust)).status).toBe(2);
    writeFileSync(join(here.dir, "cut.asice"), readFileSync(file).subarray(0, 2000));
    const { err, out, status } = await coldseal("verify", join(here.dir, "cut.asice"), ...here.trust);
    expect([status, err]).toEqual([4, ""]);
    expect(out).toMatch(/^NOT VALID: this is no container that can be read\n +BUNDLE-FORM/);
  });
});

describe("the container of a document, with more than is about it", () => {
  it("BUNDLE-FORM: a path that only ends like one of its own is covered by nothing", async () => {
    for (const path of ["META-INF/META-INF/coldseal/manifest.p7m", "META-INF/evilMETA-INF/coldseal/documents.jsonl"]) {
      const { findings, ok } = await judge(new Map([...document, [path, Uint8Array.of(1)]]));
      expect([path, ok, findings.map(({ code, file }) => `${code} ${file}`)]).toEqual([
        path,
        false,
        [`BUNDLE-FORM ${path}`],
      ]);
    }
  });

  it("BUNDLE-FORM: more evidence than a bundle may have, and more policies than memory, are refused before they are read", async () => {
    const many = (folder: string, count: number, bytes: number) =>
      Array.from({ length: count }, (_, at) => {
        const name = String(at + 1).padStart(4, "0");
        return [
          `META-INF/coldseal/${folder === "evidence" ? `evidence/${name}.ers` : `policy/${name}.p7m`}`,
          new Uint8Array(bytes),
        ] as const;
      });
    for (const [folder, count, bytes] of [
      ["evidence", 17, 10],
      ["policy", 40, 1 << 20],
    ] as const) {
      const { findings, ok } = await judge(new Map([...document, ...many(folder, count, bytes)]));
      expect([folder, ok, findings.some(({ code }) => code === "BUNDLE-FORM")]).toEqual([folder, false, true]);
    }
  });
});
