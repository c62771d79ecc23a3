/** What CRLs and OCSP responses say of the certificates that a manifest and its seals were made under: those that bundles of the box brought, and what the asker has. */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { equal, fromHex, hex } from "../../../manifests/encoding/bytes.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import { mostStaged, revocationFolder } from "../../../manifests/records/revocation-part.ts";
import { answersOf, type RevocationWanted } from "../../../manifests/verify/revocation.ts";
import { leastRsaBits } from "../../../manifests/verify/trust.ts";
import { type Certificate, readCertificate } from "../../../manifests/x509/certificate.ts";
import { wholeEvidence } from "../../boxes/evidence.ts";
import { fileOf } from "../../boxes/keep-manifest.ts";
import type { Sql } from "../../store/database.ts";
import type { TakenBack } from "./marks.ts";

/** DER. */
export interface Lists {
  readonly crls: readonly Uint8Array[];
  readonly ocsp: readonly Uint8Array[];
}

/** Those that the newest bundles of the box brought, each once. */
export async function listsOf(sql: Sql, box: number): Promise<Lists> {
  const rows = await sql.all<{ file: Uint8Array; path: string }>(
    `SELECT f.file, min(f.path) AS path, max(m.number) AS newest FROM manifest_files f JOIN box_manifests m ON m.manifest = f.manifest
      WHERE m.box = ? AND f.path LIKE '${revocationFolder}/%' GROUP BY f.file ORDER BY newest DESC, f.file LIMIT ${mostStaged}`,
    box,
  );
  const crls: Uint8Array[] = [];
  const ocsp: Uint8Array[] = [];
  for (const { file, path } of rows) (path.endsWith(".crl") ? crls : ocsp).push(await wholeEvidence(sql, file));
  return { crls, ocsp };
}

/** A path to a pinned root, the root last; shorter where an issuer is not at hand. */
export type Path = readonly [Certificate, ...Certificate[]];

/** The certificates of the newest bundle that was made under a sealing key (SHA-256, hex) and whose seals were verified: those of others under it do as well. */
export async function newestCertificates(sql: Sql, box: number, key: string): Promise<readonly Certificate[]> {
  const newest = await sql.get<{ manifest: number }>(
    `SELECT m.manifest FROM box_manifests m JOIN seals_verified v ON v.manifest = m.manifest
      WHERE m.box = ? AND m.sealing_key = ? ORDER BY m.manifest DESC LIMIT 1`,
    box,
    fromHex(key),
  );
  return newest ? certificatesIn(sql, newest.manifest) : [];
}

/** The paths of the seals' and the manifest's certificates, as far as they are here or among `beside`: they are found by what they are. */
export async function pathsOf(
  sql: Sql,
  roots: readonly Certificate[],
  row: number,
  { keys }: Pick<Manifest, "keys">,
  beside: readonly Certificate[],
): Promise<Readonly<Record<"sealing" | "audit", Path | undefined>>> {
  const file = await fileOf(sql, row, "manifest.p7m");
  const signers = file ? readSignedData(await wholeEvidence(sql, file)).certificates : [];
  const known = [...signers.map(readCertificate), ...(await certificatesIn(sql, row)), ...beside];
  return {
    sealing: pathFrom(keys.sealing.certificate, known, roots),
    audit: pathFrom(keys.audit.certificate, known, roots),
  };
}

/** Those of a bundle. */
async function certificatesIn(sql: Sql, row: number): Promise<readonly Certificate[]> {
  const rows = await sql.all<{ file: Uint8Array }>(
    "SELECT DISTINCT file FROM manifest_files WHERE manifest = ? AND path LIKE 'certificates/%'",
    row,
  );
  const found: Certificate[] = [];
  for (const { file } of rows) found.push(readCertificate(await wholeEvidence(sql, file)));
  return found;
}

function pathFrom(leaf: string, known: readonly Certificate[], roots: readonly Certificate[]): Path | undefined {
  const first = known.find(({ der }) => hex(sha256(der)) === leaf);
  if (!first) return undefined;
  const path: [Certificate, ...Certificate[]] = [first];
  for (let last: Certificate = first; path.length < 10; last = path.at(-1) ?? first) {
    const root = roots.find(({ subject }) => equal(subject, last.issuer));
    if (root) return [...path, root] as unknown as Path;
    const next = known.find((one) => equal(one.subject, last.issuer) && !path.includes(one));
    if (!next) return path;
    path.push(next);
  }
  return path;
}

/** SHA-256 of the certificates below the root. */
export function digestsOf(path: Path | undefined, roots: readonly Uint8Array[]): readonly string[] {
  return (path ?? []).filter(({ der }) => !roots.some((root) => equal(root, der))).map(({ der }) => hex(sha256(der)));
}

/** What of a path its issuers revoked. Refuses PATH-FORM, PATH-CRITICAL, CMS-ALGORITHM a list that cannot be read. */
export async function revokedByIssuers(path: Path, { crls, ocsp }: Lists, now: Utc): Promise<readonly TakenBack[]> {
  const wanted: RevocationWanted = { crls, ocsp, claimed: now, now, minimumRsaBits: leastRsaBits };
  const found: TakenBack[] = [];
  for (let at = 0; at + 1 < path.length; at++) {
    const part = path.slice(at) as [Certificate, ...Certificate[]];
    const answers = await answersOf(nodeHost, part, wanted);
    const since = [...answers.crls, ...answers.ocsp]
      .flatMap((one) => ("revoked" in one && one.revoked !== undefined ? [one.revoked] : []))
      .sort()[0];
    if (since === undefined) continue;
    found.push({ by: `its issuer, ${part[0].issuerText}`, certificate: hex(sha256(part[0].der)), since });
  }
  return found;
}
