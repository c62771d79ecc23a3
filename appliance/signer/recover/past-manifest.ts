/** A manifest that a lost store made, with the files that lay beside it: verified, and bound to each other by their digests. */

import { namedLogs } from "../../../manifests/attest/attestation.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { equal, fromHex, hex } from "../../../manifests/encoding/bytes.ts";
import type { Host } from "../../../manifests/host.ts";
import { type Manifest, readManifest } from "../../../manifests/records/manifest.ts";
import { declarationPath, localTimePath } from "../../../manifests/records/names.ts";
import { revocationDigests, revocationFolder } from "../../../manifests/records/revocation-part.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { listEntries, readListFile } from "../../../manifests/verify/list-file.ts";
import { type BundleSource, piecesOf, readSmall } from "../../../manifests/verify/source.ts";
import { onlySigner, type PastBox, policyOf } from "./past-box.ts";

export interface PastManifest {
  readonly number: number;
  readonly manifest: Manifest;
  /** SHA-256 of the content: what the next manifest holds as previous */
  readonly contentDigest: Uint8Array;
  /** SHA-256 of manifest.p7m, hex */
  readonly manifestDigest: string;
  /** in the source */
  readonly folder: string;
  /** paths below it, in the order of a receipt; documents that were sealed are not among them */
  readonly files: readonly string[];
  /** everything of a receipt is there, not only manifest, authorisation and list */
  readonly whole: boolean;
}

interface Place extends PastBox {
  readonly number: number;
  readonly folder: string;
}

const manifestFile = "manifest.p7m";
const authorizationFile = "authorization.p7m";
const listFile = "documents.jsonl";

/** Refuses with CMS-*, JSON, SHAPE, HSM-KEY, CHAIN (another box's, another number's, files that it does not name), BUNDLE-FORM. */
export async function readPastManifest(host: Host, source: BundleSource, place: Place): Promise<PastManifest> {
  const { folder, number } = place;
  const about = `${folder}/${manifestFile}`;
  const p7m = await readSmall(source, about);
  const { manifest, contentDigest } = await verified(host, p7m, place, about);
  checkIsOurs(manifest, place, about);
  await checkFile(host, source, `${folder}/${authorizationFile}`, manifest.authorization.file);
  const list = await readListFile(host, piecesOf(source, `${folder}/${listFile}`));
  const { digest, sealed } = manifest.documents;
  if (list.digest !== digest || list.count !== sealed) throw unbound(`${folder}/${listFile}`, digest, list.digest);
  const files = await filesOf(source, folder, manifest);
  const whole = await isWhole(host, source, { folder, files, manifest });
  const manifestDigest = hex(await host.digest("sha256", p7m));
  return { number, manifest, contentDigest, manifestDigest, folder, files, whole };
}

/** Each sealed document's index and digest (hex). */
export async function* documentsOf(source: BundleSource, { folder }: PastManifest) {
  for await (const { index, digest } of listEntries(piecesOf(source, `${folder}/${listFile}`))) yield { index, digest };
}

async function verified(host: Host, p7m: Uint8Array, place: PastBox, about: string) {
  const data = readSignedData(p7m);
  const { content, eContentType } = data;
  if (eContentType !== place.oids.manifest || !content) {
    throw new Refusal("CMS-TYPE", "not a manifest", { expected: place.oids.manifest, got: eContentType, about });
  }
  const certificate = await onlySigner(host, data, content, about);
  const manifest = readManifest(content);
  // A key that was retired, or is in other hands since, signs nothing under another policy than its own.
  if (!equal(policyOf(place, manifest.policy.digest, about).policy.keys.audit, certificate.spki)) {
    throw new Refusal("HSM-KEY", "signed by another key than the manifest's policy names as audit key", { about });
  }
  return { manifest, contentDigest: await host.digest("sha256", content) };
}

function checkIsOurs(manifest: Manifest, place: Place, about: string): void {
  policyOf(place, manifest.policy.digest, about);
  const expected = `${place.appliance}, number ${place.number}, genesis ${place.genesis}`;
  const got = `${manifest.appliance}, number ${manifest.number}, genesis ${manifest.policy.genesis}`;
  if (expected !== got)
    throw new Refusal("CHAIN", "the manifest is another one than its place says", { expected, got, about });
}

async function checkFile(host: Host, source: BundleSource, path: string, expected: string): Promise<void> {
  const hasher = host.hasher("sha256");
  for await (const piece of piecesOf(source, path)) hasher.update(piece);
  const got = hex(await hasher.digest());
  if (got !== expected) throw unbound(path, expected, got);
}

function unbound(about: string, expected: string, got: string): Refusal {
  return new Refusal("CHAIN", "not the file that the manifest names", { expected, got, about });
}

/** In a receipt's order. */
async function filesOf(source: BundleSource, folder: string, manifest: Manifest): Promise<readonly string[]> {
  const below = async (name: string) => (await source.list(`${folder}/${name}`)).map((one) => `${name}/${one}`).sort();
  const root = await source.list(folder);
  const seals: string[] = [];
  if (manifest.outcome === "sealed") for (const one of await below("seals")) seals.push(...(await below(one)));
  return [
    manifestFile,
    authorizationFile,
    ...(root.includes("batch.p7m") ? ["batch.p7m"] : await envelopesOf(below)),
    ...(await below("policy")),
    ...(await below("certificates")),
    ...logsAtHand(manifest, await below("evidence")),
    listFile,
    // Of what else lies in evidence/ the desk may have added some.
    ...(manifest.emergency && (await below("evidence")).includes(declarationPath) ? [declarationPath] : []),
    ...(root.includes(localTimePath) ? [localTimePath] : []),
    ...(await below(revocationFolder)),
    ...seals,
  ];
}

/** Of the evidence only what the box itself wrote. */
function logsAtHand({ attestation }: Manifest, evidence: readonly string[]): readonly string[] {
  return namedLogs(attestation).flatMap(({ path }) => (evidence.includes(path) ? [path] : []));
}

async function envelopesOf(below: (name: string) => Promise<readonly string[]>): Promise<readonly string[]> {
  const all: string[] = [];
  for (const one of await below("envelopes")) all.push(...(await below(one)));
  return all;
}

/** A receipt can be given again where request, policies, certificates, the box's own time-stamp and as many seals as there were are at hand. */
async function isWhole(
  host: Host,
  source: BundleSource,
  { folder, files, manifest }: Pick<PastManifest, "folder" | "files" | "manifest">,
): Promise<boolean> {
  const count = (start: string) => files.filter((path) => path.startsWith(start)).length;
  const { documents, emergency, outcome, policy, request } = manifest;
  if (emergency && !files.includes(declarationPath)) return false;
  if (emergency) await checkDeclaration(host, source, `${folder}/${declarationPath}`, emergency.order);
  if (count("policy/") !== policy.number || count("certificates/") < 2) return false;
  for (const { digest, path } of namedLogs(manifest.attestation)) {
    if (!files.includes(path)) return false;
    await checkFile(host, source, `${folder}/${path}`, digest);
  }
  if (outcome === "sealed" && count("seals/") !== documents.sealed) return false;
  if ((manifest.time !== undefined) !== files.includes(localTimePath)) return false;
  if (manifest.time) await checkFile(host, source, `${folder}/${localTimePath}`, manifest.time.file);
  const staged = [...revocationDigests(manifest)];
  if (count(`${revocationFolder}/`) !== staged.length || staged.some(([path]) => !files.includes(path))) return false;
  for (const [path, digest] of staged) await checkFile(host, source, `${folder}/${path}`, digest);
  if (request.kind === "plain-envelopes") return count("envelopes/") > 0;
  if (!files.includes("batch.p7m")) return false;
  await checkFile(host, source, `${folder}/batch.p7m`, request.file);
  return true;
}

/** The order that declared the emergency is the one that the manifest names; its people are judged where it is taken as an order. */
async function checkDeclaration(host: Host, source: BundleSource, path: string, expected: string): Promise<void> {
  const { content } = readSignedData(await readSmall(source, path));
  const got = hex(await host.digest("sha256", content ?? new Uint8Array(0)));
  if (got !== expected) throw unbound(path, expected, got);
}

/** For the register of what was sealed, as bytes. */
export function identityOf({ manifest }: Pick<PastManifest, "manifest">): Uint8Array {
  return fromHex(manifest.request.identity);
}
