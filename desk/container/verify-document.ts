/** Verifying the container of one document: the seal as any other, with what of its bundle is there. Containers of other tools have the seal alone. */

import type { HashName } from "../../manifests/cms/suite.ts";
import type { Host } from "../../manifests/host.ts";
import { mostProofBytes } from "../../manifests/log/proof.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { evidenceRecordLimit } from "../../manifests/time/evidence-record.ts";
import { type Finding, Findings } from "../../manifests/verify/findings.ts";
import { logProofName, mostLogProofs } from "../../manifests/verify/log-proofs.ts";
import { type SealToVerify, type SealVerdict, verifySeal } from "../../manifests/verify/seal.ts";
import { smallFile } from "../../manifests/verify/source.ts";
import { evidenceName, mostFiles } from "../../manifests/verify/time-evidence.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { aboutFolder, metaFolder, mimetypeFile, sealFile } from "./container-form.ts";
import { withFurther } from "./further-findings.ts";
import type { ZipContainer } from "./zip-read.ts";

const recordNames = ["manifest.p7m", "authorization.p7m", "inclusion.json"] as const;
const mostPolicies = 9999;
/** A policy has some kilobytes. */
const mostPolicyBytes = 32 << 20;

/** Refuses BUNDLE-FORM where there is not one document and one seal, or a file is not what the container says; what is wrong with them is a finding. */
export async function verifyDocumentContainer(host: Host, container: ZipContainer, trust: Trust): Promise<SealVerdict> {
  const document = onlyDocument(container);
  const digests = new Map<HashName, Promise<Uint8Array>>();
  const documentDigest = (hash: HashName) => {
    const known = digests.get(hash) ?? digestOf(host, container, document, hash);
    digests.set(hash, known);
    return known;
  };
  const seal = { seal: await container.read(sealFile, smallFile), documentDigest, ...(await about(container)) };
  const verdict = await verifySeal(host, seal, trust);
  return withFurther(verdict, checkRest(container, document, verdict.name));
}

function onlyDocument(container: ZipContainer): string {
  const [document, another] = container.list("").filter((name) => name !== mimetypeFile && name !== metaFolder);
  if (document !== undefined && another === undefined && container.has(document)) return document;
  throw new Refusal("BUNDLE-FORM", "an ASiC-S container holds one document", {
    got: document === undefined ? "none" : (another ?? "a folder"),
  });
}

async function digestOf(host: Host, container: ZipContainer, path: string, hash: HashName): Promise<Uint8Array> {
  const hasher = host.hasher(hash);
  for await (const piece of container.stream(path)) hasher.update(piece);
  return hasher.digest();
}

/** What of the bundle is there. */
async function about(container: ZipContainer): Promise<Partial<SealToVerify>> {
  const read = (name: string, limit = smallFile) => container.read(`${aboutFolder}/${name}`, limit);
  const named = (folder: string, form: RegExp) =>
    [...container.list(`${aboutFolder}/${folder}`)].filter((name) => form.test(name)).sort();
  const evidence: { name: string; der: Uint8Array }[] = [];
  for (const name of atMost(named("evidence", evidenceName), mostFiles, "evidence")) {
    evidence.push({ name: `evidence/${name}`, der: await read(`evidence/${name}`, evidenceRecordLimit) });
  }
  const logs: { name: string; bytes: Uint8Array }[] = [];
  for (const name of atMost(named("evidence", logProofName), mostLogProofs, "evidence")) {
    logs.push({ name: `evidence/${name}`, bytes: await read(`evidence/${name}`, mostProofBytes) });
  }
  if (!container.has(`${aboutFolder}/manifest.p7m`)) return { evidence, logs };
  return {
    evidence,
    logs,
    manifest: await read("manifest.p7m"),
    policies: await readPolicies(atMost(named("policy", /^\d{4}\.p7m$/), mostPolicies, "policy"), read),
    ...(container.has(`${aboutFolder}/authorization.p7m`) ? { authorization: await read("authorization.p7m") } : {}),
    ...(container.has(`${aboutFolder}/inclusion.json`) ? { inclusion: await read("inclusion.json") } : {}),
  };
}

/** Names of files that are read as a whole, before any is. Refuses BUNDLE-FORM more than a container may have. */
function atMost(names: readonly string[], most: number, folder: string): readonly string[] {
  if (names.length <= most) return names;
  const detail = { expected: `at most ${most}`, got: `${names.length}` };
  throw new Refusal("BUNDLE-FORM", `too many files in ${aboutFolder}/${folder}`, detail);
}

async function readPolicies(
  names: readonly string[],
  read: (path: string) => Promise<Uint8Array>,
): Promise<readonly Uint8Array[]> {
  const policies: Uint8Array[] = [];
  let bytes = 0;
  for (const name of names) {
    const policy = await read(`policy/${name}`);
    bytes += policy.length;
    if (bytes > mostPolicyBytes) throw new Refusal("BUNDLE-FORM", "policies of too many bytes for a container");
    policies.push(policy);
  }
  return policies;
}

/** The document's name is the one that was sealed; nothing is there that the verifier does not look at. */
function checkRest(container: ZipContainer, document: string, name: string | null): readonly Finding[] {
  const findings = new Findings();
  if (name !== null && name !== document) {
    const detail = { expected: name, got: document };
    findings.add(document, "SEAL-BIND", "the document has another name than the batch's list has", detail);
  }
  const told = [...container.paths].filter((path) => path.startsWith(`${aboutFolder}/`) && !isEvidence(path));
  for (const one of told.length === 0 ? [] : recordNames) {
    if (!container.has(`${aboutFolder}/${one}`)) findings.add(`${aboutFolder}/${one}`, "BUNDLE-FORM", "it is missing");
  }
  for (const path of container.paths) {
    if (![mimetypeFile, document, sealFile].includes(path) && !isAbout(path)) {
      findings.add(path, "BUNDLE-FORM", "nothing covers this file");
    }
  }
  return findings.all;
}

function isAbout(path: string): boolean {
  if (!path.startsWith(`${aboutFolder}/`)) return false;
  const name = path.slice(aboutFolder.length + 1);
  return recordNames.some((one) => one === name) || /^policy\/\d{4}\.p7m$/.test(name) || isEvidence(path);
}

function isEvidence(path: string): boolean {
  const name = path.slice(`${aboutFolder}/evidence/`.length);
  return path.startsWith(`${aboutFolder}/evidence/`) && (evidenceName.test(name) || logProofName.test(name));
}
