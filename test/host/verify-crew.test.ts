import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../host/crypto-host.ts";
import { type BundlePlace, openBundle } from "../../host/packed-bundle.ts";
import { Packer } from "../../host/packed-files.ts";
import { VerifyCrew } from "../../host/verify-crew.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";

const count = 1100;
let base: string;
let bundle: Bundle;
const crew = new VerifyCrew({ threads: 2 });
const joined = new VerifyCrew({ threads: 1, joins: true });

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "coldseal-crew-"));
  const documents = Array.from({ length: count }, (_, at) => [`${at}.txt`, `content ${at}`] as const);
  bundle = await buildBundle({ documents: Object.fromEntries(documents) });
  for (const [path, bytes] of bundle.files) write(`bundle/${path}`, bytes);
  for (const [name, bytes] of bundle.documents) write(`documents/${name}`, bytes);
});
afterAll(async () => {
  await Promise.all([crew.close(), joined.close()]);
  await rm(base, { recursive: true, force: true });
});

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(base, path)), { recursive: true });
  writeFileSync(join(base, path), bytes);
}

async function verify(openedBy: VerifyCrew | undefined, place = laid()): Promise<BundleVerdict> {
  const source = openBundle(place);
  const trust = { roots: bundle.roots, genesis: bundle.genesis };
  const opened = openedBy?.of(place, source);
  try {
    return await verifyBundle(nodeHost, source, trust, opened?.open);
  } finally {
    await opened?.done();
    source.close();
  }
}

function laid(): BundlePlace {
  return { folder: join(base, "bundle"), documents: join(base, "documents") };
}

/** The same bundle with its seals in one file, of which `change` may change one. */
function packed(name: string, change: (path: string, bytes: Uint8Array) => void = () => undefined): BundlePlace {
  const files = [...bundle.files].map(([path, bytes]) => [path, new Uint8Array(bytes)] as const);
  const packer = new Packer(join(base, `${name}.packed`), 64 * 1024);
  for (const path of ["seals", "seals/0000", "seals/0001"]) {
    const folder = packer.folder(path);
    for (const [file, bytes] of files.filter(([one]) => one.slice(0, one.lastIndexOf("/")) === path)) {
      change(file, bytes);
      folder.add(file.slice(path.length + 1), (into) => {
        into.set(bytes);
        return into.subarray(0, bytes.length);
      });
    }
    folder.end();
  }
  packer.close();
  for (const [path, bytes] of files) if (!path.startsWith("seals/")) write(`${name}/${path}`, bytes);
  return { ...laid(), folder: join(base, name), packed: packer.packed };
}

describe("a verifying crew", () => {
  it("CHECKED-OUT: says of a whole bundle what one thread says", async () => {
    const verdict = await verify(crew);
    expect(verdict).toMatchObject({ ok: true, seals: { count, checked: count }, documents: { count, checked: count } });
    expect(verdict).toEqual(await verify(undefined));
    expect(verdict).toEqual(await verify(joined));
  });

  it("CHECKED-OUT: says the same where the seals are packed, also of one that was changed", async () => {
    expect(await verify(crew, packed("whole"))).toEqual(await verify(undefined));
    expect(await verify(joined, packed("again"))).toEqual(await verify(undefined));
    const paths = [...bundle.files.keys()].filter((path) => path.startsWith("seals/"));
    const changed = paths[1050] as string;
    const place = packed("changed", (path, bytes) => {
      if (path === changed) bytes[bytes.length - 5] = (bytes.at(-5) as number) ^ 1;
    });
    for (const one of [crew, joined, undefined]) {
      const verdict = await verify(one, place);
      expect(verdict.findings.map(({ file }) => file)).toEqual([changed]);
      expect(verdict).toMatchObject({ ok: false, seals: { count, checked: count - 1 } });
    }
  });

  it("CHECKED-OUT: names what is changed, missing or too much, in the order in which one thread does", async () => {
    const paths = [...bundle.files.keys()].filter((path) => path.startsWith("seals/"));
    const [changed = "", gone = "", late = ""] = [paths[3], paths[700], paths[1099]];
    const bytes = new Uint8Array(bundle.files.get(changed) as Uint8Array);
    bytes[bytes.length - 5] = (bytes.at(-5) as number) ^ 1;
    write(`bundle/${changed}`, bytes);
    rmSync(join(base, "bundle", gone));
    write(`bundle/${late}`, new Uint8Array(10));
    write("documents/900.txt", new TextEncoder().encode("another"));
    const verdict = await verify(crew);
    expect(verdict.findings.map(({ file }) => file)).toEqual([changed, gone, "documents/900.txt", late]);
    expect(verdict).toEqual(await verify(undefined));
    expect(verdict).toEqual(await verify(joined));
    expect(verdict).toMatchObject({ ok: false, seals: { checked: count - 3 }, documents: { checked: count - 1 } });
  });

  it("CHECKED-OUT: what threads that ended did not check is checked in this one, with the same words", async () => {
    const verifying = verify(crew);
    await new Promise((resolve) => setTimeout(resolve, 40));
    await crew.close();
    const verdict = await verifying;
    expect(verdict).toEqual(await verify(undefined));
  });
});
