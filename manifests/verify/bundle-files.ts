/** The files of a bundle, each opened and checked by itself and against the digest that the manifest has of it. */

import { documentationArc, type OwnOids, ownOids } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { type PastAuthorization, verifyPastAuthorization } from "../records/authorization.ts";
import type { BatchKind } from "../records/batch-head.ts";
import { listPath, policyPath } from "../records/names.ts";
import { policyArc } from "../records/policy-chain.ts";
import { checkAgainstRequest } from "./binding.ts";
import { openEnvelopes } from "./envelope-files.ts";
import type { Findings } from "./findings.ts";
import { type ReadList, readListFile } from "./list-file.ts";
import { type CheckedManifest, checkManifestFile } from "./manifest-file.ts";
import { type CheckedPolicies, checkPolicyFiles } from "./policy-files.ts";
import {
  checkRequestSigner,
  type ReadComposition,
  type ReadRequest,
  readRequestFile,
  requestPath,
} from "./request-file.ts";
import { type BundleSource, piecesOf, readSmall } from "./source.ts";
import { lookUpOthers, type Trust } from "./trust.ts";

export interface Work {
  readonly host: Host;
  readonly source: BundleSource;
  readonly trust: Trust;
  readonly findings: Findings;
  /** most bytes of a list that is held in memory, and not read again; none unless said */
  readonly mostKept?: number;
}

/** What of a bundle was opened before the composition. */
export interface Opened {
  readonly checked: CheckedManifest | undefined;
  readonly policies: CheckedPolicies;
  readonly authorization: PastAuthorization | undefined;
}

/** The single files of a bundle. */
export const files = {
  manifest: "manifest.p7m",
  authorization: "authorization.p7m",
  request: requestPath,
  list: listPath,
} as const;

const mostPolicies = 9999;

/** manifest.p7m, if it holds by itself. */
export function openManifest({ host, source, trust, findings }: Work): Promise<CheckedManifest | undefined> {
  return findings.check(files.manifest, async () =>
    checkManifestFile(host, await readSmall(source, files.manifest), trust),
  );
}

/** Other files can be checked by themselves even where the manifest is broken. */
export async function oidsWithoutManifest(source: BundleSource): Promise<OwnOids> {
  try {
    return ownOids(policyArc(await readSmall(source, policyPath(1))));
  } catch {
    return ownOids(documentationArc);
  }
}

/** policy/: the chain, and that nothing else lies there. */
export async function openPolicies(
  work: Work,
  oids: OwnOids,
  checked: CheckedManifest | undefined,
): Promise<CheckedPolicies> {
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

/** authorization.p7m, if it holds under the policy that the batch was approved under and is the file that the manifest names. */
export async function openAuthorization(
  { host, source, findings }: Work,
  oids: OwnOids,
  checked: CheckedManifest | undefined,
  { approved }: CheckedPolicies,
): Promise<PastAuthorization | undefined> {
  const p7m = await findings.check(files.authorization, () => readSmall(source, files.authorization));
  if (!p7m) return undefined;
  const named = checked?.manifest.authorization.file;
  const isNamed = named === undefined || (await host.digest("sha256", p7m)).toHex() === named;
  if (!isNamed) findings.add(files.authorization, "MANIFEST-BIND", "this is not the file that the manifest names");
  if (!approved) return undefined; // the policy is a finding already, and nothing says who may approve
  const past = await findings.check(files.authorization, () =>
    verifyPastAuthorization(host, oids, p7m, { policy: approved.policy, policyDigest: approved.digest }),
  );
  return isNamed ? past : undefined;
}

/** What was asked to be sealed, by its kind. */
export function openComposition(
  work: Work,
  oids: OwnOids,
  kind: BatchKind,
  parts: Opened,
): Promise<ReadComposition | undefined> {
  return kind === "plain-envelopes" ? openEnvelopes(work, oids, parts) : openRequest(work, oids, parts);
}

/** The kind that the manifest names or, without a manifest, that lies there. */
export async function kindOf(source: BundleSource, checked: CheckedManifest | undefined): Promise<BatchKind> {
  if (checked) return checked.manifest.request.kind;
  const names: readonly string[] = await source.list("").catch(() => []);
  return names.includes("envelopes") && !names.includes(files.request) ? "plain-envelopes" : "signed-request";
}

/** batch.p7m, if its content is the one that the manifest names or, without a manifest, its signature holds. */
async function openRequest(
  work: Work,
  oids: OwnOids,
  { checked, policies, authorization }: Opened,
): Promise<ReadRequest | undefined> {
  const { host, source, trust, findings, mostKept } = work;
  const policy = policies.approved?.policy;
  const at = authorization?.completed ?? checked?.manifest.created;
  const request = await findings.check(files.request, () =>
    readRequestFile(host, piecesOf(source, files.request), policy, mostKept),
  );
  if (!request) return undefined;
  const judged = policy && at !== undefined ? { policy, at } : undefined;
  const signer = await findings.check(files.request, () => checkRequestSigner(host, oids, request, judged));
  const { path, submitter } = signer ?? {};
  const lookedUp =
    path && at !== undefined && (await findings.check(files.request, () => lookUpOthers(host, trust, [path], at)));
  if (!checked) return submitter && request;
  const { manifest } = checked;
  if (request.fileDigest !== manifest.request.file) {
    findings.add(files.request, "MANIFEST-BIND", "this is not the file that the manifest names");
  } else if (submitter) {
    await findings.check(files.manifest, async () => {
      await checkAgainstRequest(host, manifest, request, submitter);
      const { submitter: named, identity } = manifest.request;
      if ((await request.identity(named.key)) !== identity)
        findings.add(files.manifest, "MANIFEST-BIND", "the manifest says another identity of the batch");
    });
  }
  if (request.digest !== manifest.request.digest) return undefined;
  return lookedUp ? { ...request, lookedUp } : request;
}

/** documents.jsonl, if it is the file that the manifest names. */
export async function openList(
  { host, source, findings, mostKept }: Work,
  checked: CheckedManifest | undefined,
): Promise<ReadList | undefined> {
  const list = await findings.check(files.list, () => readListFile(host, piecesOf(source, files.list), mostKept));
  if (!list || !checked || list.digest === checked.manifest.documents.digest) return list;
  findings.add(files.list, "MANIFEST-BIND", "this is not the file that the manifest names");
  return undefined;
}
