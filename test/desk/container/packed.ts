/** Bundles on disk, packed by the program itself: what tests of containers begin with. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bundleTree } from "../../../desk/anchor/bundle-tree.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { writeEvidenceRecord } from "../../../manifests/time/evidence-record.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { root } from "../../bundle/people.ts";
import { rawToken } from "../../manifests/time/raw-token.ts";
import { pem } from "../../pki/authority.ts";
import { tsaRoot } from "../../pki/tsa.ts";

export interface Place {
  readonly dir: string;
  /** roots of the box and of the time-stamp authority */
  readonly trust: readonly string[];
  end(): void;
}

/** A folder with roots in it. */
export function place(): Place {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-container-"));
  writeFileSync(join(dir, "ca.crt"), pem(root.certificate));
  writeFileSync(join(dir, "tsa.crt"), pem(tsaRoot.certificate));
  return {
    dir,
    trust: ["--ca", join(dir, "ca.crt"), "--tsa-ca", join(dir, "tsa.crt")],
    end: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Writes the bundle to `DIR/bundle`, its documents to `DIR/documents`. */
export function lay(dir: string, { documents, files }: Pick<Bundle, "documents" | "files">): void {
  const all = [
    ...[...files].map(([path, bytes]) => [`bundle/${path}`, bytes] as const),
    ...[...documents].map(([name, bytes]) => [`documents/${name}`, bytes] as const),
  ];
  for (const [path, bytes] of all) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
  }
}

/** The bundle with evidence of time over its tree, by so many tokens, at a time that is past whenever this runs and after its seals. */
export async function anchored(bundle: Bundle, count = 1): Promise<Bundle> {
  const { tree } = await bundleTree(nodeHost, memorySource(bundle));
  const files = new Map(bundle.files);
  for (let number = 1; number <= count; number++) {
    const token = await rawToken(tree.root, { time: `2026-11-20T12:3${number}:00Z` });
    const record = writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
    files.set(`evidence/000${number}.ers`, record);
  }
  return { ...bundle, files };
}

export function coldseal(...words: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["desk/main.ts", ...words], { maxBuffer: 1 << 26 }, (fault, out, err) => {
      resolve({ status: fault ? Number(fault.code) : 0, out, err });
    });
  });
}

/** A bundle that was anchored, on disk. */
export async function laid(dir: string, changes: Parameters<typeof buildBundle>[0] = {}, count = 1): Promise<Bundle> {
  const bundle = await anchored(await buildBundle(changes), count);
  lay(dir, bundle);
  return bundle;
}

/** What a test of containers does in a place, once and again. */
export function packing(here: Place) {
  let folders = 0;
  return {
    /** A folder of its own. */
    fresh: () => join(here.dir, `${++folders}`),
    pack: (dir: string, ...more: readonly string[]) =>
      coldseal("pack", join(dir, "bundle"), "--documents", join(dir, "documents"), ...more),
    /** What `--json verify` says; nothing but that is printed. */
    async verdict(...words: readonly string[]) {
      const { err, out, status } = await coldseal("--json", "verify", ...words, ...here.trust);
      if (err !== "") throw new Error(err);
      return { status, verdict: JSON.parse(out) };
    },
  };
}
