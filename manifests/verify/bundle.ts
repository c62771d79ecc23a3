/** Verifying all of `outbox/BATCH` (docs/formats.md, "Verifying"): offline, from pinned roots, naming every file that is wrong. */

import type { OwnOids } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import type { PastAuthorization } from "../records/authorization.ts";
import type { BatchKind } from "../records/batch-head.ts";
import type { SealedDocument } from "../records/documents-list.ts";
import { localTimePath } from "../records/names.ts";
import { revocationFolder } from "../records/revocation-part.ts";
import { checkAttestation } from "./attestation.ts";
import { checkAgainstAuthorization, checkAgainstList, checkAgainstPolicies, checkChallengeAgainst } from "./binding.ts";
import {
  files,
  kindOf,
  oidsWithoutManifest,
  openAuthorization,
  openComposition,
  openList,
  openManifest,
  openPolicies,
  type Work,
} from "./bundle-files.ts";
import { checkCertificateFiles } from "./certificate-files.ts";
import { checkEmergencyFiles } from "./emergency-files.ts";
import { Findings } from "./findings.ts";
import { listEntries, type ReadList } from "./list-file.ts";
import { checkLocalTime } from "./local-time.ts";
import { checkLogProofs } from "./log-proofs.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import type { CheckedPolicies } from "./policy-files.ts";
import type { ReadComposition } from "./request-file.ts";
import { checkSealFiles, expectedByList, expectedByRequest, findAbortedSeals } from "./seal-files.ts";
import { type Expected, inPlace, type OpenCrew, type SliceResult } from "./seal-slices.ts";
import { type BundleSource, readAgain } from "./source.ts";
import { checkStaged, stagedIn, stagedWord, withStaged } from "./staged-revocation.ts";
import { checkTimeEvidence, checkTimeOrder, evidenceFolder, provenTime } from "./time-evidence.ts";
import { revokedLater, type Trust } from "./trust.ts";
import { type BundleVerdict, verdictOf } from "./verdict.ts";

const mostBytesKept = 4 << 20;

export interface ListOptions {
  /** bytes; some ten thousand documents unless said */
  readonly mostKept?: number;
  /** told what documents.jsonl lists, where it is so short; nothing else is verified yet */
  readonly onList?: (entries: readonly SealedDocument[]) => void;
}

/**
 * Verifies a bundle. Hostile content never throws: whatever is wrong is a finding with its file. Each file is checked by
 * itself and against the digest that the manifest has of it, then manifest and files against each other; a file that is
 * not the one that the manifest names is not held against others. Memory does not grow with the number of documents. Seals and
 * documents are checked by the crew that `openCrew` makes, in this thread unless said. A list of up to `mostKept` bytes is read once and held in memory.
 */
export async function verifyBundle(
  host: Host,
  source: BundleSource,
  trust: Trust,
  openCrew: OpenCrew = inPlace(host, source),
  { mostKept = mostBytesKept, onList }: ListOptions = {},
): Promise<BundleVerdict> {
  const findings = new Findings();
  // First of all: what was revoked after all of this is proven to have existed takes nothing from it.
  const times = await checkTimeEvidence({ host, source, trust, findings });
  const proven = provenTime(times);
  const staged = await stagedIn(host, source);
  const known = withStaged(trust, staged);
  const work: Work = { host, source, trust: proven === null ? known : { ...known, proven }, findings, mostKept };
  const checked = await openManifest(work);
  if (checked) await checkTimeOrder(findings, times, checked.manifest);
  const oids = checked?.oids ?? (await oidsWithoutManifest(source));
  const policies = await openPolicies(work, oids, checked);
  const authorization = await openAuthorization(work, oids, checked, policies);
  const kind = await kindOf(source, checked);
  const request = await openComposition(work, oids, kind, { checked, policies, authorization });
  const list = await openList(work, checked);
  if (list?.entries) onList?.(list.entries);
  const parts: Parts = { checked, kind, oids, policies, authorization, request, list };
  await bindParts(work, parts);
  const emergency = await checkEmergencyFiles(work, parts);
  const attestation = await checkAttestation(work, checked?.manifest, files.manifest);
  const { chain, latest, ...counts } = await checkSeals(work, parts, openCrew);
  if (checked) await checkStaged(work, checked.manifest, policies.inForce?.policy);
  const local = checked && (await checkLocalTime(work, checked, policies, latest));
  const log = await checkLogProofs(work, checked);
  await checkCertificateFiles(work, { checked, policy: policies.approved?.policy, sealing: chain });
  await checkRootEntries(work, parts);
  const count = checked?.manifest.documents.count ?? request?.count ?? list?.count ?? 0;
  const established = {
    checked,
    authorization,
    attestation,
    pinned: policies.pinned,
    count,
    emergency,
    local,
    log,
    recordYears: policies.inForce?.policy.retention?.recordYears,
    times,
    ...counts,
  };
  const chains = [checked?.chain, chain, local?.chain].filter((one) => one !== undefined);
  const revoked = (await findings.check(files.manifest, () => revokedLater(host, work.trust, chains))) ?? [];
  const { revokedLater: submitters = [], unanswered } = request?.lookedUp ?? {};
  const looked = { revocation: stagedWord(trust, staged), unanswered, revoked: [...revoked, ...submitters] };
  return verdictOf(work.findings.all, { ...established, ...looked });
}

/** What held, and is what the manifest names where that holds. */
interface Parts {
  readonly checked: CheckedManifest | undefined;
  readonly kind: BatchKind;
  readonly oids: OwnOids;
  readonly policies: CheckedPolicies;
  readonly authorization: PastAuthorization | undefined;
  readonly request: ReadComposition | undefined;
  readonly list: ReadList | undefined;
}

/** The parts that hold, against each other. */
async function bindParts({ host, findings }: Work, parts: Parts): Promise<void> {
  const { checked, policies, authorization, request, list } = parts;
  const { inForce } = policies;
  if (authorization && request) {
    await findings.check(files.authorization, () => checkChallengeAgainst(authorization, request));
  }
  if (!checked) return;
  const { manifest } = checked;
  await findings.check(files.manifest, () => checkAgainstPolicies(host, manifest, policies));
  if (authorization) await findings.check(files.manifest, () => checkAgainstAuthorization(manifest, authorization));
  if (list) await findings.check(files.manifest, () => checkAgainstList(manifest, list));
  if (manifest.number === 1 && inForce && manifest.previous !== inForce.genesis) {
    findings.add(files.manifest, "CHAIN", "the first manifest does not follow the genesis policy");
  }
}

async function checkSeals(work: Work, parts: Parts, openCrew: OpenCrew): Promise<Omit<SliceResult, "findings">> {
  const { source, trust, findings } = work;
  const { checked, oids, policies, request, list } = parts;
  const none = { seals: 0, documents: 0, notPresented: 0, chain: undefined, latest: undefined };
  if (checked?.manifest.outcome === "aborted") {
    await findAbortedSeals(source, findings);
    return none;
  }
  const policy = policies.inForce?.policy;
  const digestAlgorithm =
    checked?.manifest.documents.digestAlgorithm ?? request?.head.digestAlgorithm ?? policy?.profile.digest;
  const expected = expectedSeals(work, request, list);
  if (!digestAlgorithm || !expected) return none;
  const context = { oids, trust, manifest: checked?.manifest, policy, digestAlgorithm };
  const crew = openCrew(context, list?.count ?? request?.count ?? 0);
  const contents = parts.kind === "plain-envelopes";
  return (await findings.check("seals", () => checkSealFiles({ source, crew, findings, contents }, expected))) ?? none;
}

/** By documents.jsonl held against the request, or by that of the two which is to be believed. */
function expectedSeals(
  work: Work,
  request: ReadComposition | undefined,
  list: ReadList | undefined,
): AsyncIterable<Expected> | undefined {
  const documents = request?.listed ?? request?.documents(readAgain(work, request.file, request.fileDigest));
  if (!list) return documents && expectedByRequest(documents);
  const entries = list.entries ?? listEntries(readAgain(work, files.list, list.digest));
  return expectedByList(entries, documents, work.findings);
}

async function checkRootEntries({ source, findings }: Work, { checked, kind }: Parts): Promise<void> {
  const sealed = checked?.manifest.outcome === "aborted" ? [] : ["seals"];
  const contents = sealed.length > 0 ? ["documents"] : [];
  const request = kind === "plain-envelopes" ? ["envelopes", ...contents] : [files.request];
  const { manifest, authorization, list } = files;
  const stamp = checked && !checked.manifest.time ? [] : [localTimePath];
  const lists = checked && !checked.manifest.revocation ? [] : [revocationFolder];
  const known = [
    manifest,
    authorization,
    list,
    ...stamp,
    ...lists,
    "policy",
    "certificates",
    evidenceFolder,
    ...sealed,
    ...request,
  ];
  for (const name of (await findings.check("", () => source.list(""))) ?? []) {
    if (!known.includes(name)) findings.add(name, "BUNDLE-FORM", "nothing covers this file");
  }
}
