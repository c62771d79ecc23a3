/** A verdict as a report: one HTML file, for whoever keeps or prints it. Nothing in it runs or is fetched. It proves nothing by itself: the evidence does. Pure. */

import { sha256 } from "../host/crypto-host.ts";
import { escapedHtml } from "../host/escaped-html.ts";
import { count } from "../host/terminal/amounts.ts";
import { base64, hex, utf8 } from "../manifests/encoding/bytes.ts";
import { verifierKeyText } from "../manifests/log/verifier-key.ts";
import { shown } from "../manifests/records/names.ts";
import type { Trust } from "../manifests/verify/trust.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { type Crl, readCrl } from "../manifests/x509/crl.ts";
import { nameText } from "../manifests/x509/name.ts";
import { readOcsp } from "../manifests/x509/ocsp.ts";
import type { VerdictWords } from "./verdict-words.ts";

export interface Reported {
  readonly words: VerdictWords;
  /** what was verified, as it was named */
  readonly path: string;
  readonly trust: Trust;
  /** of the verifier */
  readonly version: string;
  /** CSS */
  readonly style: string;
}

/** The report's text. */
export function verdictReport({ words, path, trust, version, style }: Reported): string {
  const policy = `default-src 'none'; style-src 'sha256-${base64(sha256(utf8(style)))}'; base-uri 'none'; form-action 'none'`;
  const { findings, headline, more, rows, tone } = words;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapedHtml(`Verification report: ${headline}`)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Verification report</h1>
<section id="verdict" class="${tone}">
<h2>${escapedHtml(headline)}</h2>
${listOf([...findings, ...(more > 0 ? [`… and ${count(more, "more finding")}`] : [])])}
${tableOf(rows)}
</section>
<h2>What was verified, and against what</h2>
${tableOf(checkedRows(path, trust, version))}
<p>This report is the word of whoever ran the verifier. The evidence itself can be verified again: docs/verify.md says how, also without Coldseal.</p>
</main>
</body>
</html>
`;
}

function checkedRows(
  path: string,
  { at, authorities, crls, device, genesis, log, ocsp, roots }: Trust,
  version: string,
): (readonly [string, string])[] {
  return [
    ["verified", shown(path)],
    ["at", at === undefined ? "a time that nobody gave" : `${at}, by the clock of the verifier's machine`],
    ["by", `coldseal verify, ${version}`],
    ...roots.map((der) => ["root", certificateText(der)] as const),
    ...(authorities ?? []).map((der) => ["root for time", certificateText(der)] as const),
    ["genesis", genesis ?? "none was given: which people had to approve is the box's word"],
    ...(device ? [["device", `attestation key ${device.ak.name}, enrolled ${device.enrolled}`] as const] : []),
    ...(log ? [["log", verifierKeyText(log.log)] as const] : []),
    ...(log?.witnesses ?? []).map(
      (key) => ["witness", `${verifierKeyText(key)}, ${log?.cosignatures} of them asked for`] as const,
    ),
    ...(crls ?? []).map((der) => ["CRL", `${crlText(readCrl(der))}, SHA-256 ${hex(sha256(der))}`] as const),
    ...(ocsp ?? []).map(
      (der) => ["OCSP", `produced ${readOcsp(der).producedAt}, SHA-256 ${hex(sha256(der))}`] as const,
    ),
  ];
}

function certificateText(der: Uint8Array): string {
  return `${readCertificate(der).subjectText}, SHA-256 ${hex(sha256(der))}`;
}

function crlText({ issuer, thisUpdate }: Crl): string {
  return `of ${thisUpdate} by ${nameText(issuer)}`;
}

function listOf(texts: readonly string[]): string {
  if (texts.length === 0) return "";
  return `<ul>\n${texts.map((text) => `<li>${escapedHtml(text)}</li>`).join("\n")}\n</ul>`;
}

function tableOf(rows: readonly (readonly [string, string])[]): string {
  return `<dl>\n${rows.map(([label, text]) => `<dt>${escapedHtml(label)}</dt><dd>${escapedHtml(text)}</dd>`).join("\n")}\n</dl>`;
}
