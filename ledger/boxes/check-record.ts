/**
 * Whether a private copy of a record holds, by the verifier's own functions, under the genesis digest that was pinned: a whole bundle as `coldseal verify` does, what the
 * keeper has of one as `coldseal verify --chain` does, and the request beside it where it is there.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { openBundle, openWhilePacking, type PackingPlace, packedPlace } from "../../host/packed-bundle.ts";
import type { VerifyCrew } from "../../host/verify-crew.ts";
import { verifyPastAuthorization } from "../../manifests/records/authorization.ts";
import type { SealedDocument } from "../../manifests/records/documents-list.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import { checkChallengeAgainst } from "../../manifests/verify/binding.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { files, openComposition, type Work } from "../../manifests/verify/bundle-files.ts";
import type { ChainPolicies } from "../../manifests/verify/chain/chain-policies.ts";
import { checkChainRecord } from "../../manifests/verify/chain/chain-record.ts";
import { type Finding, Findings } from "../../manifests/verify/findings.ts";
import { listEntries } from "../../manifests/verify/list-file.ts";
import type { CheckedManifest } from "../../manifests/verify/manifest-file.ts";
import { expectedByList } from "../../manifests/verify/seal-files.ts";
import type { OpenCrew } from "../../manifests/verify/seal-slices.ts";
import { type BundleSource, readAgain, readSmall } from "../../manifests/verify/source.ts";
import type { Trust } from "../../manifests/verify/trust.ts";

export interface CheckedRecord {
  readonly manifest: Manifest;
  /** SHA-256 of its content, hex */
  readonly digest: string;
  /** all seals are here and hold */
  readonly seals: boolean;
  /** what documents.jsonl lists, where it is short */
  readonly listed?: readonly SealedDocument[] | undefined;
}

/** A copy of `outbox/BATCH` of which the seals are still packed. Refuses with the first finding where anything is wrong, and QUORUM where the approvals are not shown to be under the pinned genesis. */
export function checkBundle(crew: VerifyCrew, copy: PackingPlace, trust: Trust): Promise<CheckedRecord> {
  const source = openWhilePacking(copy);
  const ours = crew.of(packedPlace(copy), source);
  return checkWhole(source, trust, ours.open).finally(() => ours.done());
}

/** A whole bundle, wherever it is. Refuses as `checkBundle`. */
export async function checkWhole(source: BundleSource, trust: Trust, open?: OpenCrew): Promise<CheckedRecord> {
  let listed: readonly SealedDocument[] | undefined;
  const onList = (entries: readonly SealedDocument[]) => {
    listed = entries;
  };
  const verdict = await verifyBundle(nodeHost, source, trust, open, { onList });
  refuseFound(verdict.findings);
  const { manifest, manifestDigest, ok, quorum } = verdict;
  if (!ok || !manifest || manifestDigest === null) throw new Refusal("BUNDLE-FORM", "the bundle is not whole");
  checkPinned(quorum === "pinned to genesis");
  return { manifest, digest: manifestDigest, seals: true, listed };
}

/** The folder of a copy of `audit/NUMBER`, or of what else is not a whole bundle. `policies`: of the box. Refuses as `checkBundle`; POLICY-DIGEST, BUNDLE-FORM for what must be there. */
export function checkAuditRecord(folder: string, trust: Trust, policies: ChainPolicies): Promise<CheckedRecord> {
  const source = openBundle({ folder });
  return checkAudit(source, trust, policies).finally(() => source.close());
}

/** What the keeper has of a bundle, wherever it is. Refuses as `checkAuditRecord`. */
export async function checkAudit(source: BundleSource, trust: Trust, policies: ChainPolicies): Promise<CheckedRecord> {
  const record = await checkChainRecord(nodeHost, source, trust, policies);
  refuseFound(record.findings);
  const { checked } = record;
  if (!checked) throw new Refusal("BUNDLE-FORM", "the manifest does not hold");
  if (!record.policy) {
    const got = `policy ${checked.manifest.policy.number}, ${checked.manifest.policy.digest}`;
    throw new Refusal("POLICY-DIGEST", "the policy that the manifest names is not at hand", { got });
  }
  if (!record.list) throw new Refusal("BUNDLE-FORM", "documents.jsonl is missing", { about: files.list });
  checkPinned(record.approvals === "counted");
  await checkComposition(source, trust, policies, checked);
  return { manifest: checked.manifest, digest: checked.digest, seals: false };
}

/** What was asked to be sealed, where it is there: the batch that was approved, and that documents.jsonl lists. */
async function checkComposition(
  source: BundleSource,
  trust: Trust,
  policies: ChainPolicies,
  checked: CheckedManifest,
): Promise<void> {
  const { manifest, oids } = checked;
  const kind = manifest.request.kind;
  const wanted = kind === "plain-envelopes" ? "envelopes" : files.request;
  if (!(await source.list("")).includes(wanted)) return;
  const findings = new Findings();
  const work: Work = { host: nodeHost, source, trust, findings };
  const inForce = policies.inForce(manifest.policy.digest);
  const approved = policies.inForce(manifest.policy.approvedUnder?.digest ?? manifest.policy.digest);
  const authorization =
    approved &&
    (await findings.check(files.authorization, async () =>
      verifyPastAuthorization(nodeHost, oids, await readSmall(source, files.authorization), {
        policy: approved.policy,
        policyDigest: approved.digest,
      }),
    ));
  const held = { inForce, approved, known: policies.held, pinned: true };
  const request = await openComposition(work, oids, kind, { checked, policies: held, authorization });
  if (request && authorization) {
    await findings.check(files.authorization, () => checkChallengeAgainst(authorization, request));
    const documents = request.documents(readAgain(work, request.file, request.fileDigest));
    const lines = listEntries(readAgain(work, files.list, manifest.documents.digest));
    await findings.check(files.list, async () => {
      for await (const _ of expectedByList(lines, documents, findings));
    });
  }
  refuseFound(findings.all);
  if (!request) throw new Refusal("BUNDLE-FORM", `${wanted} is not the one that the manifest names`, { about: wanted });
}

function checkPinned(counted: boolean): void {
  if (!counted) throw new Refusal("QUORUM", "the approvals are not shown to be under the pinned genesis");
}

/** Refuses with the code of the first; says how many there are. */
function refuseFound(findings: readonly Finding[]): void {
  const [first] = findings;
  if (!first) return;
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : "";
  const { code, expected, file, got, message } = first;
  throw new Refusal(code, `${file === "" ? "" : `${file}: `}${message}${more}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    about: [...new Set(findings.map(inOneLine))].slice(0, 10).join("; "),
  });
}
