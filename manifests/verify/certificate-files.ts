/** certificates/: the chains of the box's two keys, `sealing-1.der`, `sealing-2.der`, … and `audit-1.der`, …, and nothing else. */

import { equal, hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { sealingPurpose } from "../records/emergency.ts";
import { certificatePath } from "../records/names.ts";
import type { Policy } from "../records/policy.ts";
import { Refusal } from "../refusal.ts";
import { certificateLimit, readCertificate } from "../x509/certificate.ts";
import type { Findings } from "./findings.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import { type BundleSource, readSmall } from "./source.ts";
import { boxPath, type Trust } from "./trust.ts";

/** A path has at most eight certificates; the root is not among the files. */
const longestChain = 7;

export interface CertificateWork {
  readonly host: Host;
  readonly source: BundleSource;
  readonly trust: Trust;
  readonly findings: Findings;
}

export interface ChainsExpected {
  readonly checked: CheckedManifest | undefined;
  readonly policy: Policy | undefined;
  /** DER, leaf first, without the root, as a seal carries it; undefined: no seal holds, or there is none */
  readonly sealing: readonly Uint8Array[] | undefined;
}

/**
 * Checks that the files are byte for byte the chains that the manifest and the seals carry, in order and without the root.
 * Where no seal shows it, the sealing chain must be a path of the manifest's sealing certificate by itself.
 */
export async function checkCertificateFiles(work: CertificateWork, expected: ChainsExpected): Promise<void> {
  const { findings, source } = work;
  const names = (await findings.check("certificates", () => source.list("certificates"))) ?? [];
  const audit = await readChain(work, "audit", names, expected.checked?.chain.length);
  const sealing = await readChain(work, "sealing", names, expected.sealing?.length);
  if (expected.checked) compare(audit, expected.checked.chain, findings);
  if (expected.sealing) compare(sealing, expected.sealing, findings);
  else if (expected.checked) await prove(work, sealing, expected.checked, expected.policy);
  const covered = new Set([...audit, ...sealing].map(({ file }) => file));
  for (const name of names) {
    if (!covered.has(`certificates/${name}`)) {
      findings.add(`certificates/${name}`, "BUNDLE-FORM", "nothing covers this file");
    }
  }
}

interface ChainFile {
  readonly file: string;
  /** undefined: found wrong already */
  readonly der: Uint8Array | undefined;
}

/** The files of a chain: `count` of them or, where that is not known, up to the first that is not there. */
async function readChain(
  { source, findings }: CertificateWork,
  key: "sealing" | "audit",
  names: readonly string[],
  count: number | undefined,
): Promise<readonly ChainFile[]> {
  const chain: ChainFile[] = [];
  for (let position = 1; position <= (count ?? longestChain); position++) {
    const file = certificatePath(key, position);
    if (count === undefined && position > 1 && !names.includes(file.slice("certificates/".length))) break;
    const der = await findings.check(file, async () => {
      const bytes = await readSmall(source, file, certificateLimit);
      return readCertificate(bytes).der;
    });
    chain.push({ file, der });
  }
  return chain;
}

function compare(files: readonly ChainFile[], chain: readonly Uint8Array[], findings: Findings): void {
  for (const [at, { file, der }] of files.entries()) {
    const expected = chain[at];
    if (der && !(expected && equal(expected, der))) {
      findings.add(file, "MANIFEST-BIND", "this is not the certificate that was signed with");
    }
  }
}

/** Blames every file of a chain that is none. */
async function prove(
  { host, trust, findings }: CertificateWork,
  files: readonly ChainFile[],
  { manifest, oids }: CheckedManifest,
  policy: Policy | undefined,
): Promise<void> {
  const [leaf, ...issuers] = files.map(({ der }) => der);
  if (!leaf || !issuers.every((der) => der !== undefined)) return;
  const check = async () => {
    const expected = manifest.keys.sealing.certificate;
    const got = hex(await host.digest("sha256", leaf));
    if (got !== expected) {
      throw new Refusal("MANIFEST-BIND", "the chain does not begin with the manifest's certificate", { expected, got });
    }
    const extendedKeyUsage = oids[sealingPurpose(manifest.mode)];
    const wanted = { leaf, certificates: issuers, at: manifest.created, extendedKeyUsage, policy };
    const path = await boxPath(host, trust, wanted);
    if (!issuers.every((der, at) => equal(der, path[at + 1]?.der ?? new Uint8Array(0)))) {
      throw new Refusal("PATH-ROOT", "the certificates of the chain are not in order");
    }
  };
  const failed = await check().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (failed === undefined) return;
  for (const { file } of files) {
    await findings.check(file, () => {
      throw failed;
    });
  }
}
