/** certificates/: the chains of the box's two keys, `sealing-1.der`, `sealing-2.der`, … and `audit-1.der`, …, and nothing else. */

import { equal, hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { certificatePath } from "../records/names.ts";
import type { Policy } from "../records/policy.ts";
import { Refusal } from "../refusal.ts";
import { certificateLimit, readCertificate } from "../x509/certificate.ts";
import { validatePath } from "../x509/path.ts";
import type { Findings } from "./findings.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import { type BundleSource, readSmall } from "./source.ts";
import { leastRsaBits, type Trust } from "./trust.ts";

/** A pinned root that a chain may name as its last issuer bounds how many files there can be. */
const longestChain = 8;

export interface CertificateWork {
  readonly host: Host;
  readonly source: BundleSource;
  readonly trust: Trust;
  readonly findings: Findings;
}

/**
 * Checks that each chain begins with the certificate that the manifest names and is the path to a pinned root at the
 * manifest's claimed time, without the root, in order. Without a manifest only the files' form is checked.
 */
export async function checkCertificateFiles(
  work: CertificateWork,
  checked: CheckedManifest | undefined,
  policy: Policy | undefined,
): Promise<void> {
  const { findings, source } = work;
  const names = (await findings.check("certificates", () => source.list("certificates"))) ?? [];
  const covered = new Set<string>();
  for (const key of ["sealing", "audit"] as const) {
    const chain = await readChain(work, key, names);
    for (const { file } of chain) covered.add(file);
    if (checked) await checkChain(work, key, chain, { ...checked, policy });
  }
  for (const name of names) {
    const file = `certificates/${name}`;
    if (!covered.has(file)) findings.add(file, "BUNDLE-FORM", "nothing covers this file");
  }
}

interface ChainFile {
  readonly file: string;
  /** undefined: found wrong already */
  readonly der: Uint8Array | undefined;
}

/** The files of a chain, up to the first position that is not there. */
async function readChain(
  { source, findings }: CertificateWork,
  key: "sealing" | "audit",
  names: readonly string[],
): Promise<readonly ChainFile[]> {
  const chain: ChainFile[] = [];
  for (let position = 1; position <= longestChain; position++) {
    const file = certificatePath(key, position);
    if (position > 1 && !names.includes(file.slice("certificates/".length))) break;
    const der = await findings.check(
      file,
      async () => readCertificate(await readSmall(source, file, certificateLimit)).der,
    );
    chain.push({ file, der });
  }
  return chain;
}

async function checkChain(
  { host, trust, findings }: CertificateWork,
  key: "sealing" | "audit",
  chain: readonly ChainFile[],
  { manifest, oids, policy }: CheckedManifest & { readonly policy: Policy | undefined },
): Promise<void> {
  const [first, ...issuers] = chain;
  const leaf = first?.der;
  if (!first || !leaf) return;
  const path = await findings.check(first.file, async () => {
    const expected = manifest.keys[key].certificate;
    const got = hex(await host.digest("sha256", leaf));
    if (got !== expected) {
      throw new Refusal("MANIFEST-BIND", "this is not the certificate that the manifest names", { expected, got });
    }
    return validatePath(host, {
      leaf,
      intermediates: issuers.flatMap(({ der }) => der ?? []),
      roots: trust.roots,
      at: manifest.created,
      revoked: new Set(policy?.revoked),
      extendedKeyUsage: oids[key],
      minimumRsaBits: policy?.limits.minimumRsaBits ?? leastRsaBits,
    });
  });
  for (const [at, { file, der }] of path ? issuers.entries() : []) {
    const expected = path?.slice(1, -1)[at];
    if (der && !(expected && equal(expected.der, der))) {
      findings.add(file, "PATH-ROOT", "this is not the next issuer of the chain");
    }
  }
}
