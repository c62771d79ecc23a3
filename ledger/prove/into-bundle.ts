/** Puts a proof where its reader looks for it: into the bundle, or into a file for one document. Nothing that is there is ever changed. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { type LogProof, logProofBytes, mostProofBytes } from "../../manifests/log/proof.ts";
import { readInclusion } from "../../manifests/records/inclusion.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { listEntries } from "../../manifests/verify/list-file.ts";
import { logProofName, logProofPath, mostLogProofs } from "../../manifests/verify/log-proofs.ts";
import { type BundleSource, piecesOf, readSmall } from "../../manifests/verify/source.ts";
import type { ToProve } from "./prove.ts";

/** Reads of a bundle what is to be proven; nothing of it is verified, as the log has only what was. Refuses DER, CMS-*, JSON, SHAPE, BUNDLE-FORM, USAGE a line that is not there. */
export function readToProve(folder: string, index: number | undefined): Promise<ToProve> {
  return reading(folder, async (source) => ({
    ...(await manifestIn(source)),
    ...(index === undefined ? {} : { line: await lineOf(source, index) }),
  }));
}

/** The same of a folder that holds one seal, whose line stands in inclusion.json. Refuses DER, CMS-*, JSON, SHAPE, BUNDLE-FORM. */
export function readSealToProve(folder: string): Promise<Required<ToProve>> {
  return reading(folder, async (source) => {
    const { leaf } = readInclusion(await readSmall(source, "inclusion.json"));
    return { ...(await manifestIn(source)), line: leaf };
  });
}

/** Writes the proof as the bundle's next; gives its path, and whether it was there already. Refuses MEDIA-LIMIT more than a bundle may have. */
export async function intoBundle(
  folder: string,
  proof: LogProof,
): Promise<{ readonly file: string; readonly changed: boolean }> {
  const bytes = logProofBytes(proof);
  const source = bundleFolder(folder);
  try {
    const names = (await source.list("evidence")).filter((name) => logProofName.test(name)).sort();
    for (const name of names) {
      const there = await readSmall(source, `evidence/${name}`, mostProofBytes);
      if (equal(there, bytes)) return { file: join(folder, "evidence", name), changed: false };
    }
    const last = Number(names.at(-1)?.slice("log-".length, -".json".length) ?? 0);
    if (names.length >= mostLogProofs || last >= 9999) {
      throw new Refusal("MEDIA-LIMIT", "the bundle has as many proofs as it may have", { got: `${names.length}` });
    }
    const file = join(folder, logProofPath(last + 1));
    await makeFolder(join(folder, "evidence"), 0o755);
    await writeDurable(file, bytes, { mode: 0o644 });
    return { file, changed: true };
  } finally {
    source.close();
  }
}

/** Refuses USAGE a file that is there. */
export async function intoNewFile(file: string, proof: LogProof): Promise<void> {
  if (existsSync(file)) throw new Refusal("USAGE", "the file is there already", { expected: "a new file", got: file });
  await writeDurable(file, logProofBytes(proof), { mode: 0o644 });
}

async function reading<T>(folder: string, read: (source: BundleSource) => Promise<T>): Promise<T> {
  const source = bundleFolder(folder);
  return read(source).finally(() => source.close());
}

async function manifestIn(source: BundleSource): Promise<Pick<ToProve, "digest" | "manifest">> {
  const content = readSignedData(await readSmall(source, "manifest.p7m")).content ?? new Uint8Array(0);
  return { manifest: readManifest(content), digest: hex(await nodeHost.digest("sha256", content)) };
}

async function lineOf(source: BundleSource, index: number): Promise<NonNullable<ToProve["line"]>> {
  for await (const line of listEntries(piecesOf(source, "documents.jsonl"))) if (line.index === index) return line;
  throw new Refusal("USAGE", "the bundle has no document of this index", { got: `${index}` });
}
