/** Object identifiers: the field's, and Coldseal's own below an arc (docs/formats.md, "OIDs"). */

export const oid = {
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingTime: "1.2.840.113549.1.9.5",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  signatureTimeStamp: "1.2.840.113549.1.9.16.2.14",
  archiveTimeStampV3: "0.4.0.1733.2.4",
  hashIndexV3: "0.4.0.19122.1.5",
  algorithmProtection: "1.2.840.113549.1.9.52",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
  rsaEncryption: "1.2.840.113549.1.1.1",
  sha256WithRsa: "1.2.840.113549.1.1.11",
  sha384WithRsa: "1.2.840.113549.1.1.12",
  sha512WithRsa: "1.2.840.113549.1.1.13",
  rsaPss: "1.2.840.113549.1.1.10",
  mgf1: "1.2.840.113549.1.1.8",
  ecPublicKey: "1.2.840.10045.2.1",
  p256: "1.2.840.10045.3.1.7",
  p384: "1.3.132.0.34",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  certificatePolicies: "2.5.29.32",
  policyMappings: "2.5.29.33",
  authorityKeyIdentifier: "2.5.29.35",
  policyConstraints: "2.5.29.36",
  extendedKeyUsage: "2.5.29.37",
  inhibitAnyPolicy: "2.5.29.54",
  commonName: "2.5.4.3",
  organizationName: "2.5.4.10",
  extensionRequest: "1.2.840.113549.1.9.14",
  invalidityDate: "2.5.29.24",
  ocspInCms: "1.3.6.1.5.5.7.16.2",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  documentSigning: "1.3.6.1.5.5.7.3.36",
  sha1: "1.3.14.3.2.26",
  expiredCertsOnCrl: "2.5.29.60",
  ocspSigning: "1.3.6.1.5.5.7.3.9",
  ocspBasic: "1.3.6.1.5.5.7.48.1.1",
  ocspNoCheck: "1.3.6.1.5.5.7.48.1.5",
  archiveCutoff: "1.3.6.1.5.5.7.48.1.6",
} as const;

/** The arc for documentation (RFC 5612): test mode only. Production brings the organisation's own arc. */
export const documentationArc = "1.3.6.1.4.1.32473.1";

/** How an organisation's arc is written, in a policy and at a command line; at most 64 characters. */
export const arcForm = /^[0-2](?:\.(?:0|[1-9][0-9]{0,9}))+$/;
export const arcLength = 64;

/** Coldseal's own identifiers below an arc. */
export interface OwnOids {
  readonly arc: string;
  /** eContentTypes */
  readonly request: string;
  readonly policy: string;
  readonly authorization: string;
  readonly manifest: string;
  readonly refusal: string;
  readonly rejection: string;
  readonly withdrawal: string;
  readonly abort: string;
  readonly order: string;
  readonly statement: string;
  readonly transcript: string;
  readonly closing: string;
  readonly packageFiles: string;
  readonly acknowledgement: string;
  /** two keepers on which of two manifests of one number stays in a ledger */
  readonly ledgerDecision: string;
  /** what was found when a drill broke something on purpose */
  readonly drillRecord: string;
  /** signed attributes of a seal */
  readonly mode: string;
  readonly place: string;
  /** extended key usages */
  readonly sealing: string;
  readonly audit: string;
  readonly operator: string;
  readonly submitter: string;
  readonly plainSubmitter: string;
  /** of the key that seals in mode emergency, and nothing else */
  readonly emergency: string;
  readonly acknowledging: string;
  /** RFC 3161 policy of the box's own time-stamps: local, not anchored */
  readonly localTime: string;
}

export function ownOids(arc: string): OwnOids {
  const at = (n: number) => `${arc}.${n}`;
  return {
    arc,
    request: at(1),
    policy: at(2),
    authorization: at(3),
    manifest: at(4),
    refusal: at(5),
    rejection: at(6),
    withdrawal: at(7),
    abort: at(8),
    order: at(9),
    statement: at(10),
    transcript: at(11),
    closing: at(12),
    packageFiles: at(13),
    acknowledgement: at(14),
    ledgerDecision: at(15),
    drillRecord: at(18),
    mode: at(21),
    place: at(22),
    sealing: at(31),
    audit: at(32),
    operator: at(33),
    submitter: at(34),
    plainSubmitter: at(35),
    emergency: at(36),
    acknowledging: at(37),
    localTime: at(41),
  };
}
