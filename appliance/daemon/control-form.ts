/** Whether a file of control/in has the form of its kind at all, in words for those who brought it; what is inside the signer judges. Pure. */

import { exactSize } from "../../host/terminal/amounts.ts";
import { shown } from "../../manifests/records/names.ts";
import type { RevocationKind } from "../../manifests/records/revocation-part.ts";
import { Refusal, type RefusalCode } from "../../manifests/refusal.ts";

export type ControlKind = "acknowledgement" | "evidence" | "policy" | RevocationKind;

const wanted: Readonly<Record<ControlKind, string>> = {
  acknowledgement: "an acknowledgement of the ledger (CMS SignedData, DER)",
  crl: "a CRL in DER (RFC 5280)",
  evidence: "an evidence record in DER (RFC 4998)",
  ocsp: "an OCSP response in DER (RFC 6960)",
  policy: "a signed policy (CMS SignedData, DER)",
};

/** Refuses with DER what is text, PEM among it, or cannot be DER by how it begins. */
export function checkForm(kind: ControlKind, name: string, bytes: Uint8Array): void {
  const sequence = 0x30;
  if (bytes[0] === sequence) return;
  const what = kind === "crl" ? "CRL" : "file";
  const start = latin1(bytes.subarray(0, 64));
  const label = /^\s*-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(start)?.[1];
  const detail = { got: label === undefined ? cameOf(bytes) : `PEM (${label})`, about: name };
  if (label === undefined)
    throw new Refusal("DER", `not a ${what} that can be imported`, { expected: wanted[kind], ...detail });
  throw new Refusal("DER", `the ${what} is PEM`, { expected: `${wanted[kind]}${fromPem(kind, name)}`, ...detail });
}

const ofForm: readonly RefusalCode[] = ["CMS-FORM", "CMS-TYPE", "DER", "JSON", "PATH-FORM", "SHAPE", "TIME-FORM"];

/** The signer's refusal, with what was expected and came where it is of the form and does not say that. */
export function withForm(refusal: Refusal, kind: ControlKind, name: string, bytes: Uint8Array): Refusal {
  const { code, expected, got, message } = refusal;
  if (expected !== undefined || !ofForm.includes(code)) return refusal;
  return new Refusal(code, message, { expected: wanted[kind], got: got ?? cameOf(bytes), about: name, cause: refusal });
}

function fromPem(kind: ControlKind, name: string): string {
  return kind === "crl" ? `: openssl crl -in ${shown(name)} -outform DER -out DER.crl` : "";
}

/** Size and the first bytes, as text where they are. */
function cameOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const first = bytes.subarray(0, 16);
  const text = first.every((byte) => byte >= 0x20 && byte < 0x7f);
  const start = text ? `"${latin1(first)}"` : [...first].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${exactSize(bytes.length)} that begin with ${start}`;
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
