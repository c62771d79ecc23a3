/**
 * What the four verifiers say of mutants that ours refuses: one row for each kind of thing that some of them do not check, and a
 * few that all refuse. In this order, because gpgsm remembers certificates that it has seen.
 */

export type VerifierName = "OpenSSL" | "gpgsm" | "certtool" | "BouncyCastle";

export interface LetsPass {
  /** of a mutant */
  readonly title: string;
  readonly accepted: readonly VerifierName[];
}

/** The versions that this is true of, those of Debian 12. */
export const versionsTried: Readonly<Record<VerifierName, string>> = {
  OpenSSL: "3.0",
  gpgsm: "2.2.40",
  certtool: "3.7.9",
  BouncyCastle: "1.72",
};

const all = ["OpenSSL", "gpgsm", "certtool", "BouncyCastle"] as const;
const allBut = (...names: readonly VerifierName[]) => all.filter((one) => !names.includes(one));
const row = (title: string, accepted: readonly VerifierName[]): LetsPass => ({ title, accepted });

export const letsPass: readonly LetsPass[] = [
  row("seal: no signed attributes, the document signed itself", allBut("BouncyCastle")),
  row("seal: signed attributes replayed as the document", allBut("BouncyCastle")),
  row("seal: signed attributes in reverse order", ["OpenSSL", "gpgsm"]),
  row("seal: mode twice", all),
  row("seal: mode missing", all),
  row("seal: mode unknown", all),
  row("seal: place under another manifest's number", all),
  row("seal: a signed attribute that nobody knows", all),
  row("seal: contentType of a manifest", ["OpenSSL"]),
  row("seal: contentType missing", ["gpgsm", "certtool"]),
  row("seal: signingCertificate missing", allBut("OpenSSL")),
  row("seal: signingCertificate of another certificate", allBut("OpenSSL")),
  row("seal: algorithmProtection of other algorithms", allBut("BouncyCastle")),
  row("seal: a byte after its end", allBut("certtool")),
  row("seal: indefinite lengths", all),
  row("seal: two signatures of the sealing key", all),
  row("seal: an unsigned attribute that claims another mode, never trusted", all),
  row("seal: MD5 with RSA", allBut("certtool")),
  row("seal: SHA-1 with RSA", all),
  row("seal: SHA-384 named beside ecdsa-with-SHA256", ["OpenSSL"]),
  row("seal: PSS with a mask of SHA-1", ["OpenSSL"]),
  row("seal: RSA-1024", all),
  row("seal: ECDSA signature malleated (n - s)", all),
  row("seal: extended key usage of an operator", all),
  row("seal: key usage for encryption only", all),
  row("seal: a CA as signer", all),
  row("seal: a name that the issuer may not give", ["certtool"]),
  row("seal: a path longer than an issuer allows", ["certtool"]),
  row("seal: an unknown critical extension", []),
  row("seal: under another root", []),
  row("seal: without its issuer's certificate", ["gpgsm"]),
  row("authorisation: one operator alone", all),
  row("authorisation: one person with two tokens", all),
  row("authorisation: a stranger in place of an operator", all),
  row("authorisation: one approver's signature of zeros", []),
  row("manifest: signed by the sealing key", all),
  row("manifest: another digest of documents.jsonl", all),
  row("bundle: another batch's manifest", all),
];
