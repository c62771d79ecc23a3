/** Verifying a bundle that lies in a folder, from the words of a command line: what is trusted, where the documents are. */

import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fromBase64 } from "../manifests/encoding/bytes.ts";
import { pemBlocks } from "../manifests/encoding/pem.ts";
import { utcOf } from "../manifests/encoding/shape.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { verifyBundle } from "../manifests/verify/bundle.ts";
import type { Trust } from "../manifests/verify/trust.ts";
import type { BundleVerdict } from "../manifests/verify/verdict.ts";
import { readCrl } from "../manifests/x509/crl.ts";
import { bundleFolder } from "./bundle-folder.ts";
import { readCertificateFile } from "./certificate-file.ts";
import { nodeHost } from "./crypto-host.ts";
import { VerifyCrew } from "./verify-crew.ts";

export interface TrustOptions {
  /** file of a root certificate, PEM or DER */
  readonly ca: string;
  /** SHA-256 of the genesis policy's content, hex */
  readonly genesis?: string;
  readonly arc: string;
  /** files of CRLs, DER or PEM */
  readonly crl?: readonly string[];
  /** files of root certificates of time-stamp authorities, PEM or DER */
  readonly tsaCa?: readonly string[];
}

/** What is trusted, now. Refuses USAGE. */
export function trustOf({ ca, genesis, arc, crl, tsaCa }: TrustOptions): Trust {
  if (genesis !== undefined && !/^[0-9a-f]{64}$/.test(genesis)) {
    throw new Refusal("USAGE", "--genesis expects 64 lower-case hex digits", {
      expected: "the digest of the genesis policy, as the box printed it",
      got: genesis,
    });
  }
  return {
    roots: [rootIn(ca)],
    at: utcOf(Date.now()),
    arc,
    ...(genesis === undefined ? {} : { genesis }),
    ...(crl === undefined ? {} : { crls: crl.map(crlIn) }),
    ...(tsaCa === undefined ? {} : { authorities: tsaCa.map(rootIn) }),
  };
}

/** Refuses USAGE what is no CRL. */
function crlIn(file: string): Uint8Array {
  try {
    const bytes = readFileSync(file);
    const [pem, second] = pemBlocks(bytes, "X509 CRL");
    if (second !== undefined) throw new Error("it holds several: give each in a file of its own");
    const der = pem === undefined ? new Uint8Array(bytes) : fromBase64(pem);
    readCrl(der);
    return der;
  } catch (cause) {
    throw new Refusal("USAGE", `${shown(file)} is no CRL that can be used: ${(cause as Error).message}`, {
      expected: "a complete CRL of version 2, as DER or PEM",
      about: file,
      cause,
    });
  }
}

/** Here the file is an option's, not one of a configuration. */
export function rootIn(file: string): Uint8Array {
  try {
    return readCertificateFile(file);
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    throw new Refusal("USAGE", fault.message, { ...fault.toRecord(), cause: fault });
  }
}

/**
 * Verifies the bundle in `folder` on all cores. All of its documents must lie in `documents`; where that is left out in
 * `inbox/BATCH/documents` of the same stick, or none is presented. Never throws because of what the folder holds.
 */
export async function verifyFolder(folder: string, trust: Trust, documents?: string): Promise<BundleVerdict> {
  const presented = documents ?? (await documentsBeside(folder));
  const place = { folder, ...(presented === undefined ? {} : { documents: presented }) };
  const source = bundleFolder(folder, place);
  const verifiers = new VerifyCrew({ joins: true });
  // Threads start while the lists are read. What lies in the first folder of seals is a hint, and no more is made of it.
  verifiers.ready((await source.list("seals/0000").catch(() => [])).length);
  const crew = verifiers.of(place, source);
  return verifyBundle(nodeHost, source, trust, crew.open).finally(async () => {
    await crew.done();
    await verifiers.close();
  });
}

/** `inbox/BATCH/documents` of the same stick, where `folder` is its `outbox/BATCH`. */
async function documentsBeside(folder: string): Promise<string | undefined> {
  const beside = join(folder, "..", "..", "inbox", basename(join(folder, ".")), "documents");
  const found = await stat(beside).catch(() => undefined);
  return found?.isDirectory() ? beside : undefined;
}
