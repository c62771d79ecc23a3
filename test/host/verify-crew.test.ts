import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
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

async function verify(openedBy: VerifyCrew | undefined): Promise<BundleVerdict> {
  const place = { folder: join(base, "bundle"), documents: join(base, "documents") };
  const source = bundleFolder(place.folder, place);
  const trust = { roots: bundle.roots, genesis: bundle.genesis };
  const opened = openedBy?.of(place, source);
  try {
    return await verifyBundle(nodeHost, source, trust, opened?.open);
  } finally {
    await opened?.done();
    source.close();
  }
}

describe("a verifying crew", () => {
  it("CHECKED-OUT: says of a whole bundle what one thread says", async () => {
    const verdict = await verify(crew);
    expect(verdict).toMatchObject({ ok: true, seals: { count, checked: count }, documents: { count, checked: count } });
    expect(verdict).toEqual(await verify(undefined));
    expect(verdict).toEqual(await verify(joined));
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
