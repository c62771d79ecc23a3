/** Bundles on disk, anchored and renewed by the program itself, by authorities on this machine. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { root } from "../bundle/people.ts";
import { pem } from "../pki/authority.ts";
import { openTsa } from "../pki/openssl-tsa.ts";
import { makeTsa } from "../pki/tsa.ts";

export type AnchorPlace = Awaited<ReturnType<typeof anchorPlace>>;

export const run = (file: string, args: readonly string[]) =>
  new Promise<{ status: number; out: string; err: string }>((resolve) => {
    execFile(file, args, (fault, out, err) => resolve({ status: fault ? Number(fault.code) : 0, out, err }));
  });
export const coldseal = (...words: readonly string[]) => run(process.execPath, ["desk/main.ts", ...words]);

/** A folder of its own, a bundle, and two authorities; `end` leaves nothing. */
export async function anchorPlace() {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-anchor-place-"));
  const [bundle, tsa, other] = await Promise.all([
    buildBundle(),
    openTsa(),
    openTsa(makeTsa({ name: "another authority" })),
  ]);
  writeFileSync(join(dir, "ca.crt"), pem(root.certificate));
  let folders = 0;
  return {
    bundle,
    tsa,
    other,
    /** what a verifier trusts */
    trust: ["--ca", join(dir, "ca.crt"), "--tsa-ca", tsa.ca],
    lay: (what: Pick<Bundle, "documents" | "files"> = bundle) => folderOf(join(dir, `${++folders}`, "bundle"), what),
    end: () => {
      for (const one of [tsa, other]) one.end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The bundle's folder; its documents lie beside it. */
function folderOf(to: string, { documents, files }: Pick<Bundle, "documents" | "files">): string {
  const beside = [...documents].map(([name, it]) => [`../documents/${name}`, it] as const);
  for (const [path, bytes] of [...files, ...beside]) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), bytes);
  }
  return to;
}

/** What is done to one folder. */
export function atFolder({ trust, tsa }: AnchorPlace, folder: string) {
  const documents = ["--documents", join(folder, "../documents")];
  const anchor = (...more: readonly string[]) =>
    coldseal("anchor", folder, "--tsa", tsa.url, "--tsa-ca", tsa.ca, ...more);
  const file = join(folder, "evidence/0001.ers");
  return {
    folder,
    documents,
    anchor,
    renew: (hash: string, ...more: readonly string[]) => anchor("--renew", "--hash", hash, ...more),
    evidence: { file, read: () => readFileSync(file) },
    hashes: () => readEvidenceRecord(readFileSync(file)).map((chain) => chain.map(({ hash }) => hash)),
    verdict: async (...words: readonly string[]) => {
      const { out, status } = await coldseal("--json", "verify", ...words, ...trust);
      return { status, ...JSON.parse(out) };
    },
    namesIn: (path: string) => readdirSync(join(folder, path)).sort(),
  };
}
