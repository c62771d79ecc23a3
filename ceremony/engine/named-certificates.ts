/** The certificates behind a ceremony file's paths: a reviewer reads a path, and what lies there must still be the same in the room. */

import { statSync } from "node:fs";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type CeremonyFile, pathIn } from "./ceremony-file.ts";
import { leavesOf } from "./file-leaves.ts";

export interface NamedCertificate {
  /** where the file names it: a person's id, or the members that lead there */
  readonly where: string;
  /** RFC 4514 text */
  readonly subject: string;
  /** SHA-256 of the DER, hex */
  readonly digest: string;
}

const largest = 64 * 1024;

/** In the file's order; what is not there, or no certificate, is left out. */
export function namedCertificates(file: CeremonyFile): readonly NamedCertificate[] {
  const paths = [
    ...file.people.flatMap(({ id, signs }) => (signs ? [[id, signs.certificate] as const] : [])),
    ...leavesOf(file.parameters).flatMap(({ where, value }) =>
      typeof value === "string" ? [[where, pathIn(file, value)] as const] : [],
    ),
  ];
  return paths.flatMap(([where, path]) => {
    const found = certificateAt(path);
    return found ? [{ where, ...found }] : [];
  });
}

/** SHA-256 over all of them and their places, hex; undefined where there is none. */
export function certificatesDigest(named: readonly NamedCertificate[]): string | undefined {
  if (named.length === 0) return undefined;
  return hex(sha256(canonicalBytes(named.map(({ where, digest }) => ({ digest, where })))));
}

function certificateAt(path: string): Pick<NamedCertificate, "subject" | "digest"> | undefined {
  try {
    const about = statSync(path);
    if (!about.isFile() || about.size > largest) return undefined;
    const der = readCertificateFile(path);
    return { subject: readCertificate(der).subjectText, digest: hex(sha256(der)) };
  } catch {
    return undefined; // whoever needs it says so
  }
}
