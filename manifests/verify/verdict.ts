/** What a verification says, for people and for scripts. Nothing in it is a fact that no signature stands for, unless it says so. */

import { type Utc, yearsAfter } from "../encoding/shape.ts";
import type { PastAuthorization } from "../records/authorization.ts";
import type { BatchKind } from "../records/batch-head.ts";
import type { Manifest } from "../records/manifest.ts";
import type { Mode } from "../records/request.ts";
import type { Approver } from "../records/tally.ts";
import type { AttestationVerdict } from "./attestation.ts";
import type { EmergencyShown } from "./emergency-files.ts";
import type { Finding } from "./findings.ts";
import { type Indication, indicationOf, type RevocationWord } from "./indication.ts";
import type { CheckedLocalTime, LocalTimeWord } from "./local-time.ts";
import type { LogVerdict } from "./log-proofs.ts";
import type { CheckedManifest } from "./manifest-file.ts";
import type { Revoked } from "./revocation.ts";
import { provenTime, type TimeProof } from "./time-evidence.ts";

/**
 * "pinned to genesis": M people approved under a policy chain from the digest that the verifier was given. "only as the box
 * claims": the same, but that this policy was in force is the audit key's word. "not shown": the approvals were not there, or did not hold.
 */
export type QuorumWord = "pinned to genesis" | "only as the box claims" | "not shown";

export interface BundleVerdict {
  /** nothing was found wrong. An aborted batch can hold too: look at `outcome` before relying on a seal */
  readonly ok: boolean;
  /** unknown: the manifest does not hold */
  readonly outcome: "sealed" | "aborted" | "unknown";
  readonly findings: readonly Finding[];
  /** ETSI EN 319 102-1, under the validation policy that docs/verify.md describes */
  readonly indication: Indication;
  /** as the manifest says it; null when its signature or path does not hold */
  readonly manifest: Manifest | null;
  /** SHA-256 of the manifest's content, hex: the next manifest's `previous` */
  readonly manifestDigest: string | null;
  readonly appliance: string | null;
  readonly number: number | null;
  readonly mode: Mode | null;
  /** of mode emergency: who declared it, and whether it is known how it ended; null in other modes */
  readonly emergency: EmergencyShown | null;
  /** plain-envelopes: the submitter signed each document, and nobody their count, order, names and sizes */
  readonly kind: BatchKind | null;
  /** null also where there were plain envelopes, which have no id */
  readonly batch: string | null;
  readonly submitter: { readonly name: string; readonly certificate: string } | null;
  /** CAs above the submitter of whom the verifier was given neither CRL nor OCSP response: what they revoked passes. null where nothing was looked up */
  readonly submitterUnanswered: readonly string[] | null;
  /** certificates of the box and the submitter that were revoked, but only after all of this is proven to have existed */
  readonly revokedLater: readonly Revoked[];
  /** as the box claims; what vouches for it is in `times` */
  readonly claimedTime: Utc | null;
  /** evidence of time that holds; what of it counts says of itself that it does */
  readonly times: readonly TimeProof[];
  /** the box's own time-stamp: its word on order and time, which proves nothing against the box. null where there is none, or none that holds */
  readonly localTime: LocalTimeWord | null;
  /** all of this existed then at the latest, by the earliest evidence that counts; null without any */
  readonly provenTime: Utc | null;
  /** whether the manifest is in a ledger's log, as far as proofs were there */
  readonly log: LogVerdict;
  /** until then at least the policy has records kept, counted from `claimedTime`; null where it does not say */
  readonly keepUntil: Utc | null;
  readonly reason: string | null;
  readonly quorum: QuorumWord;
  /** empty unless the quorum was shown */
  readonly approvers: readonly Approver[];
  readonly labels: Manifest["labels"] | null;
  /** what the manifest says of the machine that made it, and what of it is proven */
  readonly attestation: AttestationVerdict;
  readonly auditor: { readonly subject: string; readonly notAfter: Utc } | null;
  readonly seals: { readonly count: number; readonly checked: number };
  /** `checked`: presented and the right ones; `count`: of the batch */
  readonly documents: { readonly count: number; readonly checked: number; readonly notPresented: number };
}

export interface Established {
  readonly checked: CheckedManifest | undefined;
  readonly attestation: AttestationVerdict;
  readonly authorization: PastAuthorization | undefined;
  readonly pinned: boolean;
  readonly count: number;
  readonly seals: number;
  readonly documents: number;
  readonly notPresented: number;
  /** what the verifier was given to judge revocation by */
  readonly revocation: RevocationWord;
  readonly unanswered: readonly string[] | undefined;
  readonly revoked: readonly Revoked[];
  readonly times: readonly TimeProof[];
  readonly emergency: EmergencyShown | null;
  readonly local: CheckedLocalTime | undefined;
  readonly log: LogVerdict;
  /** of the policy in force; undefined where it says none, or does not hold */
  readonly recordYears: number | undefined;
}

export function verdictOf(findings: readonly Finding[], facts: Established): BundleVerdict {
  const { checked, authorization } = facts;
  const manifest = checked?.manifest ?? null;
  const submitter = manifest?.request.submitter;
  const ok = findings.length === 0 && isWhole(facts);
  return {
    ok,
    indication: indicationOf(findings, {
      ok,
      counts: manifest?.outcome === "sealed",
      revocation: facts.revocation,
      times: provenTime(facts.times) !== null,
      shown: facts.documents > 0,
    }),
    outcome: manifest?.outcome ?? "unknown",
    findings,
    manifest,
    manifestDigest: checked?.digest ?? null,
    appliance: manifest?.appliance ?? null,
    number: manifest?.number ?? null,
    mode: manifest?.mode ?? null,
    emergency: facts.emergency,
    kind: manifest?.request.kind ?? null,
    batch: manifest && batchOf(manifest),
    submitter: submitter ? { name: submitter.name, certificate: submitter.certificate } : null,
    submitterUnanswered: facts.unanswered ?? null,
    revokedLater: facts.revoked,
    claimedTime: manifest?.created ?? null,
    times: facts.times,
    localTime: facts.local?.word ?? null,
    provenTime: manifest ? provenTime(facts.times) : null,
    log: facts.log,
    keepUntil: manifest && facts.recordYears !== undefined ? yearsAfter(manifest.created, facts.recordYears) : null,
    reason: manifest?.reason ?? null,
    quorum: quorumWord(authorization !== undefined, facts.pinned),
    approvers: authorization?.approvers ?? [],
    labels: manifest?.labels ?? null,
    attestation: facts.attestation,
    auditor: checked ? { subject: checked.certificate.subjectText, notAfter: checked.certificate.notAfter } : null,
    seals: { count: manifest?.documents.sealed ?? facts.count, checked: facts.seals },
    documents: { count: facts.count, checked: facts.documents, notPresented: facts.notPresented },
  };
}

/** Fails safe: what was not checked cannot hold, even if nothing was found wrong. */
function isWhole({ checked, authorization, seals }: Established): boolean {
  if (!checked || !authorization) return false;
  return checked.manifest.outcome === "aborted" || seals === checked.manifest.documents.count;
}

/** The submitter's id of the batch; null where there were plain envelopes. */
export function batchOf({ request }: Manifest): string | null {
  return request.kind === "signed-request" ? request.batch : null;
}

export function quorumWord(shown: boolean, pinned: boolean): QuorumWord {
  if (!shown) return "not shown";
  return pinned ? "pinned to genesis" : "only as the box claims";
}
