/** What was pinned of a box when it was enrolled: nothing that is stored proves it, so people compare it with paper. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { certificateDigest, type EnrolledBox } from "../boxes/enrolled.ts";

export interface PinnedCertificate {
  /** SHA-256 of its DER, hex, as `openssl x509 -fingerprint -sha256` prints it with colons */
  readonly digest: string;
  /** null: what is stored is no certificate any more */
  readonly name: string | null;
}

export interface PinnedAnswer {
  readonly arc: string;
  readonly enrolled: Utc;
  readonly gapHours: number;
  readonly roots: readonly PinnedCertificate[];
  readonly authorities: readonly PinnedCertificate[];
  readonly keepers: readonly PinnedCertificate[];
}

export async function pinnedOf(box: EnrolledBox): Promise<PinnedAnswer> {
  const { arc, authorities, enrolled, gapHours, keepers, roots } = box;
  const pinned = (some: readonly Uint8Array[]) => Promise.all(some.map(certificate));
  return {
    arc,
    enrolled,
    gapHours,
    roots: await pinned(roots),
    authorities: await pinned(authorities),
    keepers: await pinned(keepers),
  };
}

async function certificate(der: Uint8Array): Promise<PinnedCertificate> {
  return { digest: await certificateDigest(der), name: nameIn(der) };
}

function nameIn(der: Uint8Array): string | null {
  try {
    return readCertificate(der).subjectText;
  } catch {
    return null;
  }
}
