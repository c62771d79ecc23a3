/** certificates/*.der: exactly the box's two certificates and their issuers, each named by its SHA-256. */

import { equal, hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { certificatePath } from "../records/names.ts";
import { Refusal } from "../refusal.ts";
import { certificateLimit } from "../x509/certificate.ts";
import { validatePath } from "../x509/path.ts";
import type { Findings } from "./findings.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import { type BundleSource, readSmall } from "./source.ts";
import { leastRsaBits, type Trust } from "./trust.ts";

/**
 * Checks that every file is named by its digest and belongs to the sealing or the audit certificate's path at the
 * manifest's claimed time, and that both paths are whole (roots may be left out). Without a manifest: names only.
 */
export async function checkCertificateFiles(
  host: Host,
  source: BundleSource,
  context: { readonly checked: CheckedManifest | undefined; readonly trust: Trust; readonly findings: Findings },
): Promise<void> {
  const { checked, trust, findings } = context;
  const files = await readNamed(host, source, findings);
  if (!checked) return;
  const used = new Set<string>();
  for (const purpose of ["sealing", "audit"] as const) {
    const leaf = certificatePath(checked.manifest.keys[purpose].certificate);
    await findings.check(leaf, async () => {
      for (const file of await pathFiles(host, files, { leaf, checked, trust, usage: checked.oids[purpose] }))
        used.add(file);
    });
  }
  for (const file of files.keys()) {
    if (!used.has(file)) findings.add(file, "BUNDLE-FORM", "nothing covers this certificate");
  }
}

/** The files that are what their names say; the others are found. */
async function readNamed(host: Host, source: BundleSource, findings: Findings): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const names = (await findings.check("certificates", () => source.list("certificates"))) ?? [];
  for (const name of names) {
    const file = `certificates/${name}`;
    await findings.check(file, async () => {
      const der = await readSmall(source, file, certificateLimit);
      const expected = certificatePath(hex(await host.digest("sha256", der)));
      if (file !== expected) throw new Refusal("BUNDLE-FORM", "a certificate that its name does not fit", { expected });
      files.set(file, der);
    });
  }
  return files;
}

async function pathFiles(
  host: Host,
  files: ReadonlyMap<string, Uint8Array>,
  wanted: {
    readonly leaf: string;
    readonly checked: CheckedManifest;
    readonly trust: Trust;
    readonly usage: string;
  },
): Promise<readonly string[]> {
  const leaf = files.get(wanted.leaf);
  if (!leaf) throw new Refusal("BUNDLE-FORM", "the file is missing or was changed");
  const path = await validatePath(host, {
    leaf,
    intermediates: [...files.values()],
    roots: wanted.trust.roots,
    at: wanted.checked.manifest.created,
    revoked: new Set(),
    extendedKeyUsage: wanted.usage,
    minimumRsaBits: leastRsaBits,
  });
  return [...files].filter(([, der]) => path.some((one) => equal(one.der, der))).map(([file]) => file);
}
