/** A verdict in words: first whether it holds, then who, when, how; what is only claimed is said to be. */

import { count } from "../host/terminal/amounts.ts";
import type { Style } from "../host/terminal/style.ts";
import { wrapped } from "../host/terminal/table.ts";
import { shown } from "../manifests/records/names.ts";
import type { Finding } from "../manifests/verify/findings.ts";
import type { RefusalVerdict } from "../manifests/verify/refusal.ts";
import type { SealVerdict } from "../manifests/verify/seal.ts";
import type { BundleVerdict, QuorumWord } from "../manifests/verify/verdict.ts";

const mostFindings = 20;

export function bundleLines(verdict: BundleVerdict, style: Style): string[] {
  return [
    headline(verdict, style),
    ...findingLines(verdict.findings),
    ...row("appliance", verdict.appliance),
    ...row("manifest", verdict.number === null ? null : `number ${verdict.number}, ${verdict.outcome}`),
    ...row("digest", verdict.manifestDigest),
    ...row("batch", verdict.batch),
    ...row("submitter", verdict.submitter?.name ?? null),
    ...row("envelopes", verdict.kind === "plain-envelopes" ? plainText : null),
    ...quorumRows(verdict),
    ...row("BREAK GLASS", brokenGlass(verdict)),
    ...row("mode", verdict.mode),
    ...row("time", verdict.claimedTime === null ? null : `${verdict.claimedTime}, as the box claims`),
    ...row("reason", verdict.reason),
    ...row("seals", `${verdict.seals.checked} of ${verdict.seals.count} checked`),
    ...row("documents", documentsText(verdict)),
    ...row("labels", labelsText(verdict)),
  ];
}

/** HONEST: as loud as the quorum. */
function brokenGlass({ manifest }: BundleVerdict): string | null {
  const numbers = manifest?.policy.recovered ?? [];
  if (numbers.length === 0) return null;
  return `policy ${numbers.join(", ")} was signed by recovery holders in the place of the quorum before it`;
}

const plainText =
  "the submitter signed each document by itself; nobody signed their count, order, names and sizes, which are the box's record of what it was told";

export function sealLines(verdict: SealVerdict, style: Style): string[] {
  const mode = verdict.mode === null ? "" : ` (mode ${verdict.mode})`;
  return [
    verdict.ok ? style.good(`VALID: the seal belongs to this document${mode}`) : style.bad("NOT VALID"),
    ...findingLines(verdict.findings),
    ...row("sealed by", verdict.sealer && `${verdict.sealer.subject}, appliance ${verdict.appliance}`),
    ...row("mode", verdict.mode),
    ...row("time", verdict.claimedTime === null ? null : `${verdict.claimedTime}, as the box claims`),
    ...row("manifest", verdict.number === null ? null : manifestText(verdict)),
    ...row("document", verdict.name),
    ...row("batch", verdict.batch),
    ...row("submitter", verdict.submitter),
    ...quorumRows(verdict),
    ...row("note", verdict.unsigned ? "it has unsigned attributes, which were not checked" : null),
  ];
}

/** A refusal that holds is the box's answer; what it says of the batch are intake's and the daemon's words. */
export function refusalVerdictLines({ ok, findings, refusal, auditor }: RefusalVerdict, style: Style): string[] {
  if (!ok || !refusal)
    return [style.bad("NOT VALID: nothing shows that the box wrote this refusal"), ...findingLines(findings)];
  const { appliance, created, journal, reported } = refusal;
  return [
    style.warn(`REFUSED (${reported.code}): the refusal holds; nothing of this batch was sealed`),
    ...row("appliance", appliance),
    ...row("folder", reported.folder),
    ...row("because", `${reported.message} (as intake and the daemon say)`),
    ...row("digest", reported.batchDigest),
    ...row("time", `${created}, as the box claims`),
    ...row("journal", `row ${journal.sequence}`),
    ...row("signed by", auditor),
  ];
}

/** Approvals count for a bundle that holds as a whole only. */
function quorumRows({ ok, approvers, quorum }: Pick<BundleVerdict, "ok" | "approvers" | "quorum">): string[] {
  if (!ok) return row("quorum", "not shown: what is here does not hold together");
  return [...row("approved by", people(approvers)), ...row("quorum", quorumText(quorum))];
}

function headline(verdict: BundleVerdict, style: Style): string {
  if (!verdict.ok) return style.bad(`NOT VALID: ${count(verdict.findings.length, "finding")}`);
  if (verdict.outcome === "aborted")
    return style.warn("ABORTED: the record holds, and says that none of its seals counts");
  const presented = verdict.documents.checked;
  const of = verdict.documents.count;
  const what = presented === of ? `all ${count(of, "document")}` : `${presented} of ${count(of, "document")} presented`;
  return style.good(`VALID: ${count(verdict.seals.checked, "seal")}, ${what} (mode ${verdict.mode})`);
}

function findingLines(findings: readonly Finding[]): string[] {
  const lines = findings.slice(0, mostFindings).flatMap(findingLine);
  const more = findings.length - mostFindings;
  return more > 0 ? [...lines, `  … and ${count(more, "more finding")}: see --json`] : lines;
}

function findingLine(finding: Finding): string[] {
  const expected = finding.expected === undefined ? "" : `, expected ${shown(finding.expected)}`;
  const got = finding.got === undefined ? "" : `, got ${shown(finding.got)}`;
  const [first = "", ...rest] = wrapped(
    `${finding.code}  ${shown(finding.file)}: ${shown(finding.message)}${expected}${got}`,
    74,
  );
  return [`  ${first}`, ...rest.map((line) => `      ${line}`)];
}

function row(label: string, text: string | null): string[] {
  if (text === null) return [];
  const [first = "", ...rest] = wrapped(shown(text), 66);
  return [`  ${label.padEnd(12)}${first}`, ...rest.map((line) => " ".repeat(14) + line)];
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
  return (
    labels &&
    Object.entries(labels)
      .map(([name, value]) => `${name} ${value}`)
      .join("; ")
  );
}
