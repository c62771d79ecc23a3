/** Verifying all of `outbox/BATCH` (docs/formats.md, "Verifying"): offline, from pinned roots, naming every file that is wrong. */

import { documentationArc, type OwnOids, ownOids } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { type PastAuthorization, verifyPastAuthorization } from "../records/authorization.ts";
import { policyPath } from "../records/names.ts";
import { policyArc } from "../records/policy-chain.ts";
import {
  checkAgainstAuthorization,
  checkAgainstList,
  checkAgainstPolicy,
  checkAgainstRequest,
  checkChallengeAgainst,
} from "./binding.ts";
import { checkCertificateFiles } from "./certificate-files.ts";
import { Findings } from "./findings.ts";
import { listEntries, type ReadList, readListFile } from "./list-file.ts";
import { type CheckedManifest, checkManifestFile } from "./manifest-file.ts";
import { type CheckedPolicies, checkPolicyFiles } from "./policy-files.ts";
import { checkRequestSigner, type ReadRequest, readRequestFile, requestDocuments } from "./request-file.ts";
import { SealChecker } from "./seal-check.ts";
import {
  checkSealFiles,
  type Expected,
  expectedByList,
  expectedByRequest,
  findAbortedSeals,
  identityOf,
  type SealCount,
} from "./seal-files.ts";
import { type BundleSource, piecesOf, readAgain, readSmall } from "./source.ts";
import type { Trust } from "./trust.ts";
import { type BundleVerdict, verdictOf } from "./verdict.ts";

/**
 * Verifies a bundle. Hostile content never throws: whatever is wrong is a finding with its file. Each file is checked by
 * itself and against the digest that the manifest has of it, then manifest and files against each other; a file that is
 * not the one that the manifest names is not held against others. Memory does not grow with the number of documents.
 */
export async function verifyBundle(host: Host, source: BundleSource, trust: Trust): Promise<BundleVerdict> {
  const work: Work = { host, source, trust, findings: new Findings() };
  const checked = await openManifest(work);
  const oids = checked?.oids ?? (await oidsWithoutManifest(source));
  const policies = await openPolicies(work, oids, checked);
  const authorization = await openAuthorization(work, oids, checked, policies);
  const request = await openRequest(work, oids, { checked, policies, authorization });
  const list = await openList(work, checked);
  const parts: Parts = { checked, oids, policies, authorization, request, list };
  await bindParts(work, parts);
  const { chain, ...counts } = await checkSeals(work, parts);
  await checkCertificateFiles(work, { checked, policy: policies.inForce?.policy, sealing: chain });
  await checkRootEntries(work, checked);
  const count = checked?.manifest.documents.count ?? request?.count ?? list?.count ?? 0;
  return verdictOf(work.findings.all, { checked, authorization, pinned: policies.pinned, count, ...counts });
}

interface Work {
  readonly host: Host;
  readonly source: BundleSource;
  readonly trust: Trust;
  readonly findings: Findings;
}

/** What held, and is what the manifest names where that holds. */
interface Parts {
  readonly checked: CheckedManifest | undefined;
  readonly oids: OwnOids;
  readonly policies: CheckedPolicies;
  readonly authorization: PastAuthorization | undefined;
  readonly request: ReadRequest | undefined;
  readonly list: ReadList | undefined;
}

const files = {
  manifest: "manifest.p7m",
  authorization: "authorization.p7m",
  request: "batch.p7m",
  list: "documents.jsonl",
} as const;

const mostPolicies = 9999;

function openManifest({ host, source, trust, findings }: Work): Promise<CheckedManifest | undefined> {
  return findings.check(files.manifest, async () =>
    checkManifestFile(host, await readSmall(source, files.manifest), trust),
  );
}

/** Other files can be checked by themselves even where the manifest is broken. */
async function oidsWithoutManifest(source: BundleSource): Promise<OwnOids> {
  try {
    return ownOids(policyArc(await readSmall(source, policyPath(1))));
  } catch {
    return ownOids(documentationArc);
  }
}

async function openPolicies(work: Work, oids: OwnOids, checked: CheckedManifest | undefined): Promise<CheckedPolicies> {
  const { host, source, trust, findings } = work;
  const names = (await findings.check("policy", () => source.list("policy"))) ?? [];
  const count = Math.min(checked?.manifest.policy.number ?? Math.max(names.length, 1), mostPolicies);
  const p7ms: (Uint8Array | undefined)[] = [];
  for (let number = 1; number <= count; number++) {
    p7ms.push(await findings.check(policyPath(number), () => readSmall(source, policyPath(number))));
  }
  for (const name of names) {
    const number = Number(/^(\d{4})\.p7m$/.exec(name)?.[1] ?? 0);
    if (number < 1 || number > count) findings.add(`policy/${name}`, "BUNDLE-FORM", "nothing covers this file");
  }
  return checkPolicyFiles(host, oids, p7ms, { trust, manifest: checked?.manifest, findings });
}

async function openAuthorization(
  { host, source, findings }: Work,
  oids: OwnOids,
  checked: CheckedManifest | undefined,
  { inForce }: CheckedPolicies,
): Promise<PastAuthorization | undefined> {
  const p7m = await findings.check(files.authorization, () => readSmall(source, files.authorization));
  if (!p7m) return undefined;
  const named = checked?.manifest.authorization.file;
  const isNamed = named === undefined || (await host.digest("sha256", p7m)).toHex() === named;
  if (!isNamed) findings.add(files.authorization, "MANIFEST-BIND", "this is not the file that the manifest names");
  if (!inForce) return undefined; // the policy is a finding already, and nothing says who may approve
  const past = await findings.check(files.authorization, () =>
    verifyPastAuthorization(host, oids, p7m, { policy: inForce.policy, policyDigest: inForce.digest }),
  );
  return isNamed ? past : undefined;
}

async function openRequest(
  work: Work,
  oids: OwnOids,
  { checked, policies, authorization }: Pick<Parts, "checked" | "policies" | "authorization">,
): Promise<ReadRequest | undefined> {
  const { host, source, findings } = work;
  const policy = policies.inForce?.policy;
  const at = authorization?.completed ?? checked?.manifest.created;
  const request = await findings.check(files.request, () =>
    readRequestFile(host, piecesOf(source, files.request), policy),
  );
  if (!request) return undefined;
  const judged = policy && at !== undefined ? { policy, at } : undefined;
  const submitter = await findings.check(files.request, () => checkRequestSigner(host, oids, request, judged));
  if (!checked) return submitter && request;
  const { manifest } = checked;
  if (request.fileDigest !== manifest.request.file) {
    findings.add(files.request, "MANIFEST-BIND", "this is not the file that the manifest names");
  } else if (submitter) {
    await findings.check(files.manifest, async () => {
      await checkAgainstRequest(host, manifest, request, submitter);
      const { submitter: named, identity, batch } = manifest.request;
      const documents = requestDocuments(readAgain(work, files.request, request.fileDigest));
      const found = await identityOf(host, documents, named.key, batch);
      if (found !== identity)
        findings.add(files.manifest, "MANIFEST-BIND", "the manifest says another identity of the batch");
    });
  }
  return request.digest === manifest.request.digest ? request : undefined;
}

async function openList(
  { host, source, findings }: Work,
  checked: CheckedManifest | undefined,
): Promise<ReadList | undefined> {
  const list = await findings.check(files.list, () => readListFile(host, piecesOf(source, files.list)));
  if (!list || !checked || list.digest === checked.manifest.documents.digest) return list;
  findings.add(files.list, "MANIFEST-BIND", "this is not the file that the manifest names");
  return undefined;
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
  if (inForce) await findings.check(files.manifest, () => checkAgainstPolicy(host, manifest, inForce));
  if (authorization) await findings.check(files.manifest, () => checkAgainstAuthorization(manifest, authorization));
  if (list) await findings.check(files.manifest, () => checkAgainstList(manifest, list));
  if (manifest.number === 1 && inForce && manifest.previous !== inForce.genesis) {
    findings.add(files.manifest, "CHAIN", "the first manifest does not follow the genesis policy");
  }
}

async function checkSeals(
  work: Work,
  parts: Parts,
): Promise<SealCount & { readonly chain: readonly Uint8Array[] | undefined }> {
  const { host, source, trust, findings } = work;
  const { checked, oids, policies, request, list } = parts;
  const none = { seals: 0, documents: 0, notPresented: 0, chain: undefined };
  if (checked?.manifest.outcome === "aborted") {
    await findAbortedSeals(source, findings);
    return none;
  }
  const policy = policies.inForce?.policy;
  const digestAlgorithm =
    checked?.manifest.documents.digestAlgorithm ?? request?.head.digestAlgorithm ?? policy?.profile.digest;
  const expected = expectedSeals(work, request, list);
  if (!digestAlgorithm || !expected) return none;
  const checker = new SealChecker(host, { oids, trust, manifest: checked?.manifest, policy });
  const counts = await findings.check("seals", () =>
    checkSealFiles({ source, checker, digestAlgorithm, findings }, expected),
  );
  return { ...(counts ?? none), chain: checker.chain };
}

/** By documents.jsonl held against the request, or by that of the two which is to be believed. */
function expectedSeals(
  work: Work,
  request: ReadRequest | undefined,
  list: ReadList | undefined,
): AsyncIterable<Expected> | undefined {
  const documents = request && requestDocuments(readAgain(work, files.request, request.fileDigest));
  if (!list) return documents && expectedByRequest(documents);
  return expectedByList(listEntries(readAgain(work, files.list, list.digest)), documents, work.findings);
}

async function checkRootEntries({ source, findings }: Work, checked: CheckedManifest | undefined): Promise<void> {
  const folders =
    checked?.manifest.outcome === "aborted" ? ["policy", "certificates"] : ["policy", "certificates", "seals"];
  const known: readonly string[] = [...Object.values(files), ...folders];
  for (const name of (await findings.check("", () => source.list(""))) ?? []) {
    if (!known.includes(name)) findings.add(name, "BUNDLE-FORM", "nothing covers this file");
  }
}
