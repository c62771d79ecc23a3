/** Verifying one seal with one document, and with as much beside it as there is. */

import type { RevocationValues } from "../cms/revocation-values.ts";
import type { HashName } from "../cms/suite.ts";
import { hasOthers } from "../cms/unsigned-attributes.ts";
import { readSigningTime } from "../cms/verify.ts";
import { hex } from "../encoding/bytes.ts";
import { documentationArc, type OwnOids, oid, ownOids } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { type PastAuthorization, verifyPastAuthorization } from "../records/authorization.ts";
import { policyPath } from "../records/names.ts";
import type { Mode } from "../records/request.ts";
import { readSeal, type Seal } from "../records/seal.ts";
import type { Approver } from "../records/tally.ts";
import { Refusal } from "../refusal.ts";
import { checkAnchored } from "../time/local-time.ts";
import { checkAgainstAuthorization, checkAgainstPolicies } from "./binding.ts";
import { type Finding, Findings } from "./findings.ts";
import { type Indication, indicationOf } from "./indication.ts";
import { type ListProof, listedAmong, type ShownEntry, shownLines } from "./listed-seal.ts";
import { type LogVerdict, logVerdict } from "./log-proofs.ts";
import { type CheckedManifest, checkManifestFile } from "./manifest-file.ts";
import { type CheckedPolicies, checkPolicyFiles } from "./policy-files.ts";
import type { Revoked } from "./revocation.ts";
import { type CheckedSeal, SealChecker } from "./seal-check.ts";
import { checkSealEvidence, sealGroups } from "./seal-evidence.ts";
import { revocationOf, splitSeal, withValues } from "./seal-revocation.ts";
import { checkSealTimeStamps } from "./seal-time-stamps.ts";
import { checkNotBefore, checkTimeOrder, proofOf, provenTime, type TimeProof } from "./time-evidence.ts";
import { revokedLater, type Trust } from "./trust.ts";
import { batchOf, type QuorumWord, quorumWord } from "./verdict.ts";

/** A seal, its document, and what of its bundle is at hand. */
export interface SealToVerify extends ListProof {
  readonly seal: Uint8Array;
  readonly documentDigest: (hash: HashName) => Promise<Uint8Array>;
  /** manifest.p7m */
  readonly manifest?: Uint8Array;
  /** authorization.p7m */
  readonly authorization?: Uint8Array;
  /** policy/0001.p7m and all that follow */
  readonly policies?: readonly Uint8Array[];
  /** evidence records over this document and this file of its seal, or over manifest and line */
  readonly evidence?: readonly { readonly name: string; readonly der: Uint8Array }[];
  /** proofs of a ledger's log, of its manifest's entry and perhaps of its own */
  readonly logs?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export interface SealVerdict {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** ETSI EN 319 102-1, under the validation policy that docs/verify.md describes */
  readonly indication: Indication;
  /** what the seal says of itself; null when it does not hold */
  readonly mode: Mode | null;
  readonly appliance: string | null;
  readonly number: number | null;
  readonly index: number | null;
  /** certificates of the seal's path that were revoked, but only after it is proven to have existed */
  readonly revokedLater: readonly Revoked[];
  /** as claimed; what vouches for it is in `times` */
  readonly claimedTime: Utc | null;
  /** evidence of time that holds; what of it counts says of itself that it does */
  readonly times: readonly TimeProof[];
  /** seal and document existed then at the latest; null without evidence that counts */
  readonly provenTime: Utc | null;
  /** whether its manifest, and itself, are in a ledger's log, as far as proofs were there */
  readonly log: LogVerdict;
  readonly sealer: { readonly subject: string; readonly notAfter: Utc } | null;
  /** whether a manifest that holds lists this very seal: "not shown" without manifest.p7m and documents.jsonl or inclusion.json */
  readonly manifest: "lists it" | "not shown";
  /** the document's name, where the manifest lists it */
  readonly name: string | null;
  readonly submitter: string | null;
  readonly batch: string | null;
  readonly quorum: QuorumWord;
  readonly approvers: readonly Approver[];
  /** unsigned attributes other than time-stamps are there; nothing of them was checked or is trusted */
  readonly unsigned: boolean;
}

/** Verifies a seal. Hostile content never throws: whatever is wrong is a finding. A seal under an aborted manifest is found with ABORTED. */
export async function verifySeal(host: Host, given: SealToVerify, trust: Trust): Promise<SealVerdict> {
  const { base, values } = splitSeal(given.seal);
  const documentDigest = onceEach(given.documentDigest);
  const own = { base, values, sealTrust: withValues(trust, values) };
  const work: Work = { host, given, trust, findings: new Findings(), documentDigest, ...own };
  const checked = await openManifest(work);
  const policies = await openPolicies(work, checked);
  const read = sealIn(work.base, oidsOf(trust, checked));
  const shown = checked && read ? await linesShown(work, checked, read) : [];
  const times = read ? await checkTimes(work, read, { checked, shown }) : [];
  const proven = provenTime(times);
  const sealTrust = proven === null ? work.sealTrust : { ...work.sealTrust, proven };
  const { chain, seal } = await checkSeal({ ...work, sealTrust }, checked, policies);
  const revoked = chain && (await work.findings.check(files.seal, () => revokedLater(host, sealTrust, [chain])));
  const entry = seal && listedAmong(shown, seal, work.findings);
  const authorization = await openAuthorization(work, checked, policies);
  const log = await openLogs(work, { manifest: checked, seal, entry });
  const all = work.findings.all;
  return {
    ok: all.length === 0,
    indication: indicationOf(all, {
      ok: all.length === 0,
      counts: seal !== undefined,
      revocation: revocationOf(trust, values),
      times: seal !== undefined && proven !== null,
      shown: true,
      beside: [...(given.evidence ?? []), ...(given.logs ?? [])].map(({ name }) => name),
    }),
    findings: all,
    times,
    provenTime: seal ? proven : null,
    mode: seal?.seal.mode ?? null,
    appliance: seal?.seal.appliance ?? null,
    number: seal?.seal.number ?? null,
    index: seal?.seal.index ?? null,
    claimedTime: seal?.signed ?? null,
    revokedLater: revoked ?? [],
    log,
    sealer: seal ? { subject: seal.certificate.subjectText, notAfter: seal.certificate.notAfter } : null,
    manifest: entry ? "lists it" : "not shown",
    name: entry?.name ?? null,
    submitter: checked?.manifest.request.submitter.name ?? null,
    batch: checked ? batchOf(checked.manifest) : null,
    quorum: quorumWord(authorization !== undefined && entry !== undefined, policies.pinned),
    approvers: authorization?.approvers ?? [],
    unsigned: seal !== undefined && hasOthers(seal.seal.signer, timeStampNames),
  };
}

interface Work {
  readonly host: Host;
  readonly given: SealToVerify;
  readonly trust: Trust;
  readonly findings: Findings;
  /** the seal without revocation data */
  readonly base: Uint8Array;
  /** the revocation data that stands in it */
  readonly values: RevocationValues;
  readonly documentDigest: SealToVerify["documentDigest"];
  /** with the revocation data that stands in the seal, for the seal alone */
  readonly sealTrust: Trust;
}

/** Each hash of the document is asked for once, however many time-stamps are over it. */
function onceEach(digest: SealToVerify["documentDigest"]): SealToVerify["documentDigest"] {
  const known = new Map<HashName, Promise<Uint8Array>>();
  return (hash) => {
    const found = known.get(hash) ?? digest(hash);
    known.set(hash, found);
    return found;
  };
}

const timeStampNames = [oid.signatureTimeStamp, oid.archiveTimeStampV3];

const files = {
  manifest: "manifest.p7m",
  authorization: "authorization.p7m",
  seal: "seal",
} as const;

async function openManifest({ host, given, trust, findings }: Work): Promise<CheckedManifest | undefined> {
  const { manifest } = given;
  if (!manifest) return undefined;
  const checked = await findings.check(files.manifest, () => checkManifestFile(host, manifest, trust));
  if (checked?.manifest.outcome === "aborted") {
    findings.add(files.seal, "ABORTED", "its manifest says that the batch was aborted: none of its seals counts");
  }
  return checked;
}

async function openPolicies(work: Work, checked: CheckedManifest | undefined): Promise<CheckedPolicies> {
  const { host, given, trust, findings } = work;
  if (!given.policies || !checked) return { inForce: undefined, approved: undefined, known: [], pinned: false };
  const { manifest, oids } = checked;
  const policies = await checkPolicyFiles(host, oids, given.policies, { trust, manifest, findings });
  await findings.check(files.manifest, () => checkAgainstPolicies(host, manifest, policies));
  if (!policies.inForce)
    findings.add(policyPath(given.policies.length), "POLICY-DIGEST", "the policy in force is not there");
  return policies;
}

async function checkSeal(
  { base, documentDigest, host, sealTrust: trust, findings }: Work,
  checked: CheckedManifest | undefined,
  policies: CheckedPolicies,
): Promise<{ readonly seal: CheckedSeal | undefined; readonly chain: readonly Uint8Array[] | undefined }> {
  const oids = oidsOf(trust, checked);
  const context = { oids, trust, manifest: checked?.manifest, policy: policies.inForce?.policy };
  const checker = new SealChecker(host, context);
  const seal = await findings.check(files.seal, () => checker.check(base, { documentDigest }));
  return { seal, chain: checker.chain };
}

/** The lines of the manifest's list that are proven to stand there under this seal's index. */
function linesShown({ findings, given, host }: Work, checked: CheckedManifest, { seal }: ReadSeal) {
  return shownLines(host, given, { checked, findings, index: seal.index });
}

/** What stands in the seal, and the records beside it: each is over one of the seal's groups, and over nothing else. */
async function checkTimes(
  { documentDigest, host, given, sealTrust: trust, findings, values }: Work,
  { seal, signed }: ReadSeal,
  { checked, shown }: { readonly checked: CheckedManifest | undefined; readonly shown: readonly ShownEntry[] },
): Promise<readonly TimeProof[]> {
  const manifest = checked?.manifest;
  const errorSeconds = manifest?.clock.claimedErrorSeconds ?? 0;
  const own = { policy: oidsOf(trust, checked).localTime, key: manifest?.time?.key };
  const stamped = { seal, revocation: values, documentDigest };
  const proofs = [...(await checkSealTimeStamps(host, trust, stamped, { signed, errorSeconds, own }))];
  const groups = await sealGroups(host, seal, { bytes: given.seal, documentDigest, manifest, shown });
  for (const { der, name } of given.evidence ?? []) {
    const proof = await findings.check(name, async () => {
      const { batch, stamps } = await checkSealEvidence(host, der, groups);
      await checkAnchored(host, stamps, own);
      const made = await proofOf(host, trust, name, stamps);
      if (!batch) checkNotBefore(made, signed, errorSeconds);
      return batch ? { ...made, batch: true as const } : made;
    });
    if (!proof) continue;
    proofs.push(proof);
    // As of a bundle: the batch's time counts, and shows that a clock is wrong.
    if (proof.batch && manifest) await checkTimeOrder(findings, [proof], manifest);
  }
  return proofs;
}

interface ReadSeal {
  readonly seal: Seal;
  readonly signed: Utc;
}

/** A seal as it says of itself; undefined where it is none, which is found when it is checked. */
function sealIn(bytes: Uint8Array, oids: OwnOids): ReadSeal | undefined {
  try {
    const seal = readSeal(bytes, oids);
    return { seal, signed: readSigningTime(seal.signer) };
  } catch {
    return undefined;
  }
}

function oidsOf({ arc }: Trust, checked: CheckedManifest | undefined): OwnOids {
  return checked?.oids ?? ownOids(arc ?? documentationArc);
}

/** Where the seal does not hold, nothing is held against it. */
function openLogs({ findings, given, host, trust }: Work, of: Parameters<typeof logVerdict>[2]): Promise<LogVerdict> {
  const logs = of.seal ? (given.logs ?? []) : [];
  const files = logs.map(({ bytes, name }) => ({ file: name, read: async () => bytes }));
  return logVerdict({ host, trust, findings }, files, of);
}

function openAuthorization(
  { host, given, findings }: Work,
  checked: CheckedManifest | undefined,
  { inForce }: CheckedPolicies,
): Promise<PastAuthorization | undefined> | undefined {
  const { authorization } = given;
  if (!authorization || !checked || !inForce) return undefined;
  return findings.check(files.authorization, async () => {
    if (hex(await host.digest("sha256", authorization)) !== checked.manifest.authorization.file) {
      throw new Refusal("MANIFEST-BIND", "this is not the file that the manifest names");
    }
    const context = { policy: inForce.policy, policyDigest: inForce.digest };
    const past = await verifyPastAuthorization(host, checked.oids, authorization, context);
    checkAgainstAuthorization(checked.manifest, past);
    return past;
  });
}
