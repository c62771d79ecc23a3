/** revocation/ of a bundle: CRLs and OCSP responses that came to the box on media and were in force when it sealed, held against the manifest that names them. */

import { readSignedData } from "../cms/read.ts";
import { hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { type Manifest, readManifest } from "../records/manifest.ts";
import { type RevocationKind, revocationDigests, revocationFolder, stagedLimit } from "../records/revocation-part.ts";
import { Refusal } from "../refusal.ts";
import { readCrl } from "../x509/crl.ts";
import { readOcsp } from "../x509/ocsp.ts";
import { files, type Work } from "./bundle-files.ts";
import type { RevocationWord } from "./indication.ts";
import { type BundleSource, readSmall } from "./source.ts";
import { revocationWord, type Trust } from "./trust.ts";

/** What of it can be used: the box chose it, as whoever extends a seal does. */
export interface StagedRevocation {
  readonly crls: readonly Uint8Array[];
  readonly ocsp: readonly Uint8Array[];
}

/**
 * Those that the manifest names and that are what it says, before anything of it is checked: whatever a manifest lies, its own signature is found wrong then. Nothing where
 * the box said that some of its certificates were not answered for: what does not answer for all of them would be held against it.
 */
export async function stagedIn(host: Host, source: BundleSource): Promise<StagedRevocation> {
  const crls: Uint8Array[] = [];
  const ocsp: Uint8Array[] = [];
  const manifest = await manifestIn(source);
  if (!manifest?.revocation || manifest.revocation.stale.length > 0) return { crls, ocsp };
  for (const [path, digest] of revocationDigests(manifest)) {
    try {
      const bytes = await readStaged(host, source, path, digest);
      (kindOf(path) === "crl" ? crls : ocsp).push(bytes);
    } catch {
      // A finding of the file, later.
    }
  }
  return { crls, ocsp };
}

/** Each is there, is the one that the manifest names and can be read; and nothing else lies there. A manifest that says nothing of what its policy asks for is a finding of its own. */
export async function checkStaged(
  { findings, host, source }: Work,
  manifest: Manifest,
  policy: { readonly revocation?: unknown } | undefined,
): Promise<void> {
  const wanted = policy?.revocation !== undefined && manifest.outcome === "sealed";
  if (policy && wanted !== (manifest.revocation !== undefined)) {
    const got = manifest.revocation ? "some" : "none";
    findings.add(
      files.manifest,
      "MANIFEST-BIND",
      "the manifest names revocation data otherwise than its policy asks for",
      { got },
    );
  }
  const named = revocationDigests(manifest);
  for (const [path, digest] of named) await findings.check(path, () => readStaged(host, source, path, digest));
  for (const name of (await findings.check(revocationFolder, () => source.list(revocationFolder))) ?? []) {
    const path = `${revocationFolder}/${name}`;
    if (!named.has(path)) findings.add(path, "BUNDLE-FORM", "nothing covers this file");
  }
}

/** What the verifier was given, and with it what the box had. */
export function withStaged(trust: Trust, { crls, ocsp }: StagedRevocation): Trust {
  return {
    ...trust,
    ...(crls.length > 0 ? { crls: [...(trust.crls ?? []), ...crls] } : {}),
    ...(ocsp.length > 0 ? { ocsp: [...(trust.ocsp ?? []), ...ocsp] } : {}),
  };
}

/** HONEST: what came in the bundle was chosen by the box, and may be old. */
export function stagedWord(trust: Trust, staged: StagedRevocation): RevocationWord {
  const own = revocationWord(trust);
  const word = revocationWord(withStaged({ roots: [] }, staged));
  return own !== "none" || word === "none" ? own : `${word} in the bundle`;
}

async function readStaged(host: Host, source: BundleSource, path: string, digest: string): Promise<Uint8Array> {
  const bytes = await readSmall(source, path, stagedLimit);
  if (hex(await host.digest("sha256", bytes)) !== digest) {
    throw new Refusal("MANIFEST-BIND", "this is not the file that the manifest names");
  }
  if (kindOf(path) === "crl") readCrl(bytes);
  else readOcsp(bytes);
  return bytes;
}

function kindOf(path: string): RevocationKind {
  return path.endsWith(".crl") ? "crl" : "ocsp";
}

async function manifestIn(source: BundleSource): Promise<Manifest | undefined> {
  try {
    return readManifest(readSignedData(await readSmall(source, files.manifest)).content ?? new Uint8Array(0));
  } catch {
    return undefined;
  }
}
