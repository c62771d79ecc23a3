import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";

const bundle = await buildBundle({ documents: { "a.pdf": "one", b: "two" } });
const trust = { roots: bundle.roots, genesis: bundle.genesis };
const paths = [...bundle.files.keys(), ...[...bundle.documents.keys()].map((name) => `documents/${name}`)];

/** So far apart are the bytes that are tried in a file; every byte was tried once when this was written. */
const stride = 61;

const bytesOf = (path: string) =>
  (path.startsWith("documents/") ? bundle.documents.get(path.slice(10)) : bundle.files.get(path)) as Uint8Array;

/** The bundle with one file replaced, or left out. */
function withFile(path: string, bytes: Uint8Array | undefined): Pick<Bundle, "files" | "documents"> {
  const changed = { files: new Map(bundle.files), documents: new Map(bundle.documents) };
  const [map, key] = path.startsWith("documents/")
    ? ([changed.documents, path.slice(10)] as const)
    : ([changed.files, path] as const);
  if (bytes) map.set(key, bytes);
  else map.delete(key);
  return changed;
}

async function blamed(path: string, bytes: Uint8Array | undefined): Promise<readonly string[]> {
  const verdict = await verifyBundle(nodeHost, memorySource(withFile(path, bytes)), trust);
  expect(verdict.ok).toBe(verdict.findings.length === 0);
  expect(verdict.findings.filter(({ code }) => code === "INTERNAL")).toEqual([]);
  return [...new Set(verdict.findings.map(({ file }) => file))];
}

describe("a changed byte", () => {
  it.each(paths)("CHECKED-OUT: in %s is found, and this file alone is named", async (path) => {
    const bytes = bytesOf(path);
    for (let at = 0; at < bytes.length; at += stride) {
      const copy = bytes.slice();
      copy[at] = (copy[at] as number) ^ (1 << (at % 8));
      expect(await blamed(path, copy), `byte ${at}`).toEqual([path]);
    }
  });

  it.each(paths)("CHECKED-OUT: a byte more or less in %s is found, and this file alone is named", async (path) => {
    const bytes = bytesOf(path);
    expect(await blamed(path, Uint8Array.of(...bytes, 0))).toEqual([path]);
    expect(await blamed(path, Uint8Array.of(...bytes, 0x0a))).toEqual([path]);
    expect(await blamed(path, bytes.slice(0, -1))).toEqual([path]);
    expect(await blamed(path, new Uint8Array(0))).toEqual([path]);
  });

  it.each([...bundle.files.keys()])("CHECKED-OUT: %s missing or renamed is found and named", async (path) => {
    expect(await blamed(path, undefined)).toEqual([path]);
    const renamed = withFile(path, undefined);
    renamed.files.set(`${path}x`, bytesOf(path));
    const { findings } = await verifyBundle(nodeHost, memorySource(renamed), trust);
    expect([...new Set(findings.map(({ file }) => file))].sort()).toEqual([path, `${path}x`]);
  });

  it("CHECKED-OUT: several changed files are all named", async () => {
    const wrong = ["manifest.p7m", "batch.p7m", "seals/0000/000001-a.pdf.p7s", "certificates/sealing-2.der"];
    const changed = { files: new Map(bundle.files), documents: bundle.documents };
    for (const path of wrong) {
      const copy = bytesOf(path).slice();
      copy[copy.length - 3] = (copy[copy.length - 3] as number) ^ 1;
      changed.files.set(path, copy);
    }
    const { findings, ok } = await verifyBundle(nodeHost, memorySource(changed), trust);
    expect(ok).toBe(false);
    expect(findings.map(({ file }) => file)).toEqual(expect.arrayContaining(wrong));
  });

  it("CHECKED-OUT: two seals, certificates or documents that changed places are named", async () => {
    const pairs = [
      ["seals/0000/000001-a.pdf.p7s", "seals/0000/000002-b.p7s"],
      ["certificates/sealing-1.der", "certificates/audit-1.der"],
      ["documents/a.pdf", "documents/b"],
    ] as const;
    for (const [a, b] of pairs) {
      const once = withFile(a, bytesOf(b));
      (a.startsWith("documents/") ? once.documents : once.files).set(b.replace("documents/", ""), bytesOf(a));
      const { findings } = await verifyBundle(nodeHost, memorySource(once), trust);
      expect([...new Set(findings.map(({ file }) => file))].sort()).toEqual([a, b].sort());
    }
  });

  it.each([
    "extra",
    "policy/0002.p7m",
    "policy/x",
    "seals/0000/000003-c.p7s",
    "seals/0001/x",
    "seals/x",
    "certificates/root.der",
    "certificates/sealing-3.der",
    "documents/a.pdf",
    "evidence/x",
    ".DS_Store",
  ])("BUNDLE-FORM: %s, which nothing covers, is found", async (path) => {
    const files = new Map(bundle.files).set(path, bytesOf("certificates/audit-2.der"));
    const { findings } = await verifyBundle(nodeHost, memorySource({ files, documents: bundle.documents }), trust);
    expect(findings.length).toBeGreaterThan(0);
    for (const { file, code } of findings) {
      expect(code).toBe("BUNDLE-FORM");
      expect(path.startsWith(file)).toBe(true);
    }
  });
});
