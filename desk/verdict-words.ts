/** A verdict in words: first whether it holds, then who, when, how; what is only claimed is said to be. The command line and the page say the same. Pure. */

import { count } from "../host/terminal/amounts.ts";
import { attestationRows } from "../host/terminal/attestation-words.ts";
import { emergencyRows } from "../host/terminal/emergency-words.ts";
import { logRows } from "../host/terminal/log-words.ts";
import { shown, shownText } from "../manifests/records/names.ts";
import type { Finding } from "../manifests/verify/findings.ts";
import type { Indication } from "../manifests/verify/indication.ts";
import type { RefusalVerdict } from "../manifests/verify/refusal.ts";
import type { SealVerdict } from "../manifests/verify/seal.ts";
import type { ArchiveCover } from "../manifests/verify/time-evidence.ts";
import type { BundleVerdict, QuorumWord } from "../manifests/verify/verdict.ts";

export interface VerdictWords {
  /** `warn`: it holds, and says that nothing counts as sealed, or nothing was presented that could be */
  readonly tone: "good" | "warn" | "bad";
  readonly headline: string;
  /** what was found wrong, the first of it */
  readonly findings: readonly string[];
  /** how many more there are */
  readonly more: number;
  readonly rows: readonly (readonly [label: string, text: string])[];
}

const mostFindings = 20;

export function bundleWords(verdict: BundleVerdict): VerdictWords {
  return {
    ...headline(verdict),
    ...found(verdict.findings),
    rows: [
      ...row("result", indicationText(verdict.indication)),
      ...row("appliance", verdict.appliance),
      ...row("manifest", verdict.number === null ? null : `number ${verdict.number}, ${verdict.outcome}`),
      ...row("digest", verdict.manifestDigest),
      ...row("batch", verdict.batch),
      ...row("submitter", verdict.submitter?.name ?? null),
      ...row("looked up", submitterText(verdict)),
      ...row("envelopes", verdict.kind === "plain-envelopes" ? plainText : null),
      ...quorumRows(verdict),
      ...row("BREAK GLASS", brokenGlass(verdict)),
      ...emergencyRows(verdict.emergency).flatMap(([label, text]) => row(label, text)),
      ...row("mode", verdict.mode),
      ...row("time", verdict.claimedTime === null ? null : `${verdict.claimedTime}, as the box claims`),
      ...row("keep until", keepText(verdict)),
      ...row("STALE", staleText(verdict)),
      ...row("own stamp", localTimeText(verdict)),
      ...timeRows(verdict),
      ...logRows(verdict.log).flatMap(([label, text]) => row(label, text)),
      ...revokedRows(verdict),
      ...row("reason", verdict.reason),
      ...row("seals", `${verdict.seals.checked} of ${verdict.seals.count} checked`),
      ...row("documents", documentsText(verdict)),
      ...row("labels", labelsText(verdict)),
      ...attestationRows(verdict.attestation).flatMap(([label, text]) => row(label, text)),
    ],
  };
}

/** HONEST: as loud as the quorum. */
function brokenGlass({ manifest }: BundleVerdict): string | null {
  const numbers = manifest?.policy.recovered ?? [];
  if (numbers.length === 0) return null;
  return `policy ${numbers.join(", ")} was signed by recovery holders in the place of the quorum before it`;
}

const plainText =
  "the submitter signed each document by itself; nobody signed their count, order, names and sizes, which are the box's record of what it was told";

export function sealWords(verdict: SealVerdict): VerdictWords {
  const mode = verdict.mode === null ? "" : ` (mode ${verdict.mode})`;
  return {
    ...(verdict.ok
      ? { tone: "good", headline: `VALID: the seal belongs to this document${mode}` }
      : { tone: "bad", headline: "NOT VALID" }),
    ...found(verdict.findings),
    rows: [
      ...row("result", indicationText(verdict.indication)),
      ...row("sealed by", verdict.sealer && `${verdict.sealer.subject}, appliance ${verdict.appliance}`),
      ...row("mode", verdict.mode),
      ...row("time", verdict.claimedTime === null ? null : `${verdict.claimedTime}, as the box claims`),
      ...timeRows(verdict),
      ...logRows(verdict.log).flatMap(([label, text]) => row(label, text)),
      ...revokedRows(verdict),
      ...row("manifest", verdict.number === null ? null : manifestText(verdict)),
      ...row("document", verdict.name),
      ...row("batch", verdict.batch),
      ...row("submitter", verdict.submitter),
      ...row("looked up", sealSubmitterText(verdict)),
      ...quorumRows(verdict),
      ...row(
        "note",
        verdict.unsigned ? "it has unsigned attributes other than time-stamps, which were not checked" : null,
      ),
    ],
  };
}

/** HONEST: the box's certificates must be answered for, a submitter's only where there is something of its issuer. */
function submitterText({ submitterUnanswered: silent }: BundleVerdict): string | null {
  if (silent === null) return null;
  if (silent.length === 0) return "the box's certificates and the submitter's";
  return `the box's certificates; not the submitter's: no CRL or OCSP response was given of ${silent.join("; ")}`;
}

function sealSubmitterText({ indication, submitter }: SealVerdict): string | null {
  if (submitter === null || indication.revocation === "none") return null;
  return "the box's certificates; not the submitter's, which only a whole batch has";
}

/** Of a container that is none, or that cannot be read as one. */
export function unreadWords({ findings, indication }: Pick<BundleVerdict, "findings" | "indication">): VerdictWords {
  const headline = "NOT VALID: this is no container that can be read";
  return { tone: "bad", headline, ...found(findings), rows: row("result", indicationText(indication)) };
}

/** A refusal that holds is the box's answer; what it says of the batch are intake's and the daemon's words. */
export function refusalWords({ ok, findings, indication, refusal, auditor }: RefusalVerdict): VerdictWords {
  if (!ok || !refusal) {
    const headline = "NOT VALID: nothing shows that the box wrote this refusal";
    return { tone: "bad", headline, ...found(findings), rows: row("result", indicationText(indication)) };
  }
  const { appliance, created, journal, reported } = refusal;
  return {
    tone: "warn",
    headline: `REFUSED (${reported.code}): the refusal holds; nothing of this batch was sealed`,
    ...found([]),
    rows: [
      ...row("result", indicationText(indication)),
      ...row("appliance", appliance),
      ...row("folder", reported.folder),
      ["because", shownText(`${reported.message} (as intake and the daemon say)`)],
      ...row("digest", reported.batchDigest),
      ...row("time", `${created}, as the box claims`),
      ...row("journal", `row ${journal.sequence}`),
      ...row("signed by", auditor),
    ],
  };
}

/** In the standard's own words, for whoever compares verifiers. */
export function indicationText({ main, revocation, sub, time }: Indication): string {
  const lists = revocation === "none" ? "no CRL or OCSP response was looked at" : listsText(revocation);
  const stamps = time === "evidence" ? "time by time-stamps" : "no time-stamp counted";
  return `${main}${sub === null ? "" : `, ${sub}`} (ETSI EN 319 102-1; ${lists}, ${stamps})`;
}

function revokedRows({ revokedLater }: Pick<BundleVerdict, "revokedLater">) {
  return revokedLater.flatMap(({ since, subject }) =>
    row("revoked", `${subject}, since ${since}: after all of this existed, so that it stands`),
  );
}

function listsText(revocation: Exclude<Indication["revocation"], "none">): string {
  if (revocation.endsWith(" in the bundle"))
    return `only ${revocation} were looked at, which the box had when it sealed`;
  if (!revocation.endsWith(" in the seal")) return `${revocation} were looked at`;
  return `only ${revocation} were looked at, which whoever gave it chose`;
}

function keepText({ keepUntil }: BundleVerdict): string | null {
  return keepUntil === null ? null : `${keepUntil} at least, says the policy`;
}

/** HONEST: the policy let the box seal although nothing that was new enough spoke for these. */
function staleText({ manifest }: BundleVerdict): string | null {
  const stale = manifest?.revocation?.stale ?? [];
  if (stale.length === 0) return null;
  return `when it sealed, nothing new enough that the box had said whether these were revoked: ${stale.join("; ")}`;
}

/** HONEST: whoever stamps its own work proves nothing by it. */
function localTimeText({ localTime }: BundleVerdict): string | null {
  if (localTime === null) return null;
  const { accuracySeconds, time } = localTime;
  return `${time}, to ${accuracySeconds} s: local, not anchored: the box's own word on order and time; it proves nothing against the box`;
}

/** What is proven of the time, and what stands there without proving anything. */
function timeRows({ ok, provenTime, times }: Pick<BundleVerdict, "ok" | "provenTime" | "times">) {
  return [
    ...row(
      "existed by",
      ok && provenTime !== null
        ? `${provenTime} at the latest, by time-stamps that hold (with the accuracy that they claim)`
        : null,
    ),
    ...times.flatMap(({ authority, batch, discounted, file, over, renewals, stamped }) => {
      const what = [
        file,
        ...(batch ? ["the batch's"] : []),
        ...(over ? [coverText(over)] : []),
        ...(renewals > 0 ? [renewedText(renewals)] : []),
      ];
      return [
        ...row(
          "time-stamp",
          `${stamped === null ? "" : `${stamped} by ${authority} `}(${what.join(", ")})${
            discounted === null ? "" : `; it does not count: ${discounted}`
          }`,
        ),
        ...row("left out", over && over.leftOut.length > 0 ? `${file} is not over ${over.leftOut.join(", ")}` : null),
      ];
    }),
  ];
}

function renewedText(renewals: number): string {
  return `renewed ${count(renewals, "time")}`;
}

/** HONEST: what an archive time-stamp proves to have existed, beside what every time-stamp of a seal does. */
function coverText({ attributes, certificates, crls }: ArchiveCover): string {
  const lists = count(crls, "CRL or OCSP response", "CRLs and OCSP responses");
  return `over document, signature, ${count(certificates, "certificate")}, ${lists} and ${count(attributes, "attribute")}`;
}

/** Approvals count for a bundle that holds as a whole only. */
function quorumRows({ ok, approvers, quorum }: Pick<BundleVerdict, "ok" | "approvers" | "quorum">) {
  if (!ok) return row("quorum", "not shown: what is here does not hold together");
  return [...row("approved by", people(approvers)), ...row("quorum", quorumText(quorum))];
}

function headline(verdict: BundleVerdict): Pick<VerdictWords, "tone" | "headline"> {
  if (!verdict.ok) return { tone: "bad", headline: `NOT VALID: ${count(verdict.findings.length, "finding")}` };
  if (verdict.outcome === "aborted") {
    return { tone: "warn", headline: "ABORTED: the record holds, and says that none of its seals counts" };
  }
  const presented = verdict.documents.checked;
  const of = verdict.documents.count;
  if (presented === 0) {
    const seals = count(verdict.seals.checked, "seal");
    const none = of === 1 ? "its document was not presented" : `none of its ${of} documents was presented`;
    return { tone: "warn", headline: `THE RECORD HOLDS: ${seals} (mode ${verdict.mode}), but ${none}` };
  }
  const what = presented === of ? `all ${count(of, "document")}` : `${presented} of ${count(of, "document")} presented`;
  return { tone: "good", headline: `VALID: ${count(verdict.seals.checked, "seal")}, ${what} (mode ${verdict.mode})` };
}

/** The first findings, and how many more there are of `total`. */
export function found(findings: readonly Finding[], total = findings.length): Pick<VerdictWords, "findings" | "more"> {
  return {
    findings: findings.slice(0, mostFindings).map(findingText),
    more: Math.max(0, total - mostFindings),
  };
}

function findingText(finding: Finding): string {
  const expected = finding.expected === undefined ? "" : `, expected ${shownText(finding.expected)}`;
  const got = finding.got === undefined ? "" : `, got ${shownText(finding.got)}`;
  return `${finding.code}  ${shown(finding.file)}: ${shownText(finding.message)}${expected}${got}`;
}

function row(label: string, text: string | null): (readonly [string, string])[] {
  return text === null ? [] : [[label, shown(text)]];
}

function people(approvers: readonly { readonly name: string; readonly person: string; readonly signed: string }[]) {
  return approvers.length === 0
    ? null
    : approvers.map((one) => `${one.person} (${one.name}, ${one.signed})`).join("; ");
}

function quorumText(quorum: QuorumWord): string {
  switch (quorum) {
    case "pinned to genesis":
      return "re-counted under the policy chain from the genesis digest you gave";
    case "only as the box claims":
      return "re-counted, but which policy was in force only as the box claims: give --genesis";
    case "not shown":
      return "not shown: what is here does not prove that people approved";
  }
}

function manifestText(verdict: SealVerdict): string {
  const listed = verdict.manifest === "lists it" ? "which lists this very seal" : "which was not shown";
  return `number ${verdict.number}, index ${verdict.index}, ${listed}`;
}
function documentsText({ documents }: BundleVerdict): string {
  const missing = documents.notPresented > 0 ? `, ${documents.notPresented} not presented` : "";
  return `${documents.checked} of ${documents.count} checked${missing}`;
}

function labelsText({ labels }: BundleVerdict): string | null {
  if (!labels) return null;
  const all = Object.entries(labels).map(([name, value]) => `${name} ${value}`);
  return `as the box wrote when it sealed: ${all.join("; ")}`;
}
