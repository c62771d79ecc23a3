/** A verdict in the terms of ETSI EN 319 102-1 (5.1.3): a main indication, and for what is not passed the first sub-indication that says why. Pure. */

import type { RefusalCode } from "../refusal.ts";
import type { Finding } from "./findings.ts";

export type MainIndication = "TOTAL-PASSED" | "TOTAL-FAILED" | "INDETERMINATE";

/** Of those that the standard has, the ones that a verification here can end in. */
export type SubIndication =
  | "FORMAT_FAILURE"
  | "HASH_FAILURE"
  | "SIG_CRYPTO_FAILURE"
  | "SIG_CONSTRAINTS_FAILURE"
  | "CHAIN_CONSTRAINTS_FAILURE"
  | "CERTIFICATE_CHAIN_GENERAL_FAILURE"
  | "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
  | "POLICY_PROCESSING_ERROR"
  | "NO_SIGNING_CERTIFICATE_FOUND"
  | "NO_CERTIFICATE_CHAIN_FOUND"
  | "OUT_OF_BOUNDS_NO_POE"
  | "REVOKED_NO_POE"
  | "SIGNED_DATA_NOT_FOUND"
  | "TIMESTAMP_ORDER_FAILURE"
  | "TRY_LATER"
  | "GENERIC";

/** What revocation was judged by; also by what came in a seal, or stood in the bundle, where the verifier had nothing of its own. */
type Lists = "CRLs" | "OCSP responses" | "CRLs and OCSP responses";
export type RevocationWord = "none" | Lists | `${Lists} in the ${"seal" | "bundle"}`;

export interface Indication {
  readonly main: MainIndication;
  /** null where it is passed */
  readonly sub: SubIndication | null;
  /** what revocation was judged by, beside the policy's own list */
  readonly revocation: RevocationWord;
  /** whether evidence of time counted */
  readonly time: "evidence" | "claimed";
}

/** These alone show that a signature is none or was changed; whatever else is wrong leaves it open, under another policy or with other evidence. */
const failed: readonly SubIndication[] = ["FORMAT_FAILURE", "HASH_FAILURE", "SIG_CRYPTO_FAILURE"];

/** What each code means for a signature; a code that is not here is a constraint of Coldseal's own (SIG_CONSTRAINTS_FAILURE). */
export const subIndications: Readonly<Partial<Record<RefusalCode, SubIndication>>> = {
  "BUNDLE-FORM": "SIGNED_DATA_NOT_FOUND",
  "CMS-ALGORITHM": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
  "CMS-ATTRIBUTES": "FORMAT_FAILURE",
  "CMS-CERTIFICATE": "NO_SIGNING_CERTIFICATE_FOUND",
  "CMS-DIGEST": "HASH_FAILURE",
  "CMS-FORM": "FORMAT_FAILURE",
  "CMS-SIGNATURE": "SIG_CRYPTO_FAILURE",
  "CMS-SIGNERS": "FORMAT_FAILURE",
  "CMS-TYPE": "FORMAT_FAILURE",
  DER: "FORMAT_FAILURE",
  "DOCUMENT-DIGEST": "HASH_FAILURE",
  "DOCUMENT-MISSING": "SIGNED_DATA_NOT_FOUND",
  "DOCUMENT-SIZE": "HASH_FAILURE",
  INTERNAL: "GENERIC",
  JSON: "FORMAT_FAILURE",
  "MEDIA-CHANGED": "GENERIC",
  "PATH-CONSTRAINT": "CHAIN_CONSTRAINTS_FAILURE",
  "PATH-CRITICAL": "CHAIN_CONSTRAINTS_FAILURE",
  "PATH-FORM": "CERTIFICATE_CHAIN_GENERAL_FAILURE",
  "PATH-KEY": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
  "PATH-REVOKED": "REVOKED_NO_POE",
  "PATH-ROOT": "NO_CERTIFICATE_CHAIN_FOUND",
  "PATH-TIME": "OUT_OF_BOUNDS_NO_POE",
  "PATH-USAGE": "CHAIN_CONSTRAINTS_FAILURE",
  "POLICY-CHAIN": "POLICY_PROCESSING_ERROR",
  "POLICY-DIGEST": "POLICY_PROCESSING_ERROR",
  "POLICY-PROFILE": "POLICY_PROCESSING_ERROR",
  "POLICY-SIGNERS": "POLICY_PROCESSING_ERROR",
  "TIME-ORDER": "TIMESTAMP_ORDER_FAILURE",
  REVOCATION: "TRY_LATER",
  SHAPE: "FORMAT_FAILURE",
};

interface IndicationFacts {
  readonly ok: boolean;
  readonly counts: boolean;
  readonly revocation: RevocationWord;
  readonly times: boolean;
  /** whether any document was presented */
  readonly shown: boolean;
  /** names of evidence of time and proofs of a log that were handed over by themselves */
  readonly beside?: readonly string[];
}

/** In a bundle, what others added: evidence of time and proofs of a log. */
const added = /(?:^|\/)evidence\/(?:\d{4}\.ers|log-\d{4}\.json)$/;

/** `counts`: that something is sealed by it. What was not checked, what says of itself that nothing counts, and what no document was shown of, is never passed. */
export function indicationOf(
  findings: readonly Finding[],
  { beside = [], ok, counts, revocation, shown, times }: IndicationFacts,
): Indication {
  return { ...judged(findings, { beside, ok, counts, shown }), revocation, time: times ? "evidence" : "claimed" };
}

/** Of what could not be opened, so that nothing in it was verified. */
export function unreadIndication(findings: readonly Finding[]): Indication {
  return indicationOf(findings, { ok: false, counts: false, revocation: "none", shown: false, times: false });
}

function judged(
  findings: readonly Finding[],
  { beside, ok, counts, shown }: Required<Pick<IndicationFacts, "beside" | "ok" | "counts" | "shown">>,
): Pick<Indication, "main" | "sub"> {
  const subs = findings.map(({ code, file }): SubIndication => {
    const sub = subIndications[code] ?? "SIG_CONSTRAINTS_FAILURE";
    // Broken evidence does not show that any signature was changed that it is over (5.5.4: such a time-stamp is left aside).
    const others = added.test(file) || beside.includes(file);
    return others && failed.includes(sub) ? "SIG_CONSTRAINTS_FAILURE" : sub;
  });
  const sub = subs.find((one) => failed.includes(one));
  if (sub) return { main: "TOTAL-FAILED", sub };
  const [first] = subs;
  if (first) return { main: "INDETERMINATE", sub: first };
  if (!ok) return { main: "INDETERMINATE", sub: "GENERIC" };
  if (!counts) return { main: "INDETERMINATE", sub: "SIG_CONSTRAINTS_FAILURE" };
  if (!shown) return { main: "INDETERMINATE", sub: "SIGNED_DATA_NOT_FOUND" };
  return { main: "TOTAL-PASSED", sub: null };
}
