/** A decision of two keepers on a number of a box that is in dispute: canonical JSON that each signs, with any tool that makes CMS (docs/formats.md, "decision.p7m"). */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import {
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  type Read,
  text,
  type Utc,
  utc,
} from "../../manifests/encoding/shape.ts";
import { verifyAllSigners } from "../../manifests/records/authorization.ts";
import { keyIdentity } from "../../manifests/records/person.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkNotLater, leastRsaBits } from "../../manifests/verify/trust.ts";
import type { Certificate } from "../../manifests/x509/certificate.ts";
import type { KnownBox } from "./known-box.ts";

/** So many distinct keepers decide. */
export const keepersNeeded = 2;

const readDecisionValue = object({
  appliance: text(64),
  created: utc,
  genesis: hexText(),
  /** digest of the manifest that stays; null: none of those that are here */
  keep: nullable(hexText()),
  /** digests of all others that are here, in order */
  lose: list(hexText(), 0, 64),
  number: integer(1),
  reason: text(500),
  type: literal("ledger-decision"),
  version: literal(1),
});
export type DecisionRecord = Read<typeof readDecisionValue>;

/** Refuses JSON, SHAPE. */
export function readDecisionRecord(content: Uint8Array): DecisionRecord {
  return readDecisionValue(readCanonical(content), "decision");
}

/** The bytes that keepers sign, read back before they are given out. */
export function decisionRecordBytes(record: DecisionRecord): Uint8Array {
  const bytes = canonicalBytes(record);
  readDecisionRecord(bytes);
  return bytes;
}

export interface SignedDecision {
  readonly record: DecisionRecord;
  /** SHA-256 of the content, hex */
  readonly digest: string;
  /** all signatures over it, in one file */
  readonly p7m: Uint8Array;
  /** subjects of the keepers' certificates */
  readonly keepers: readonly string[];
}

/**
 * The signatures of keepers over one decision, each in a file of its own or together. Refuses DER, CMS-*, JSON, SHAPE; LEDGER-BOX another box's; PERSON-UNKNOWN
 * whoever was not named at enrolment; PERSON-TWICE, PATH-TIME, CLOCK; QUORUM fewer than two.
 */
export async function signedDecision(
  { enrolled, trust }: KnownBox,
  p7ms: readonly Uint8Array[],
): Promise<SignedDecision> {
  const oids = ownOids(enrolled.arc);
  const parts = p7ms.map((p7m) => readSignedData(p7m));
  const [first, ...others] = parts;
  const content = first?.content;
  if (!first || !content) throw new Refusal("CMS-FORM", "no signed decision was given");
  const other = others.find((one) => !one.content || !equal(one.content, content));
  if (other)
    throw new Refusal("CMS-DIGEST", "the signatures are over different decisions", { expected: "the same bytes" });
  const wrong = parts.find(({ eContentType }) => eContentType !== oids.ledgerDecision);
  if (wrong)
    throw new Refusal("CMS-TYPE", "not a decision", { expected: oids.ledgerDecision, got: wrong.eContentType });
  const record = readDecisionRecord(content);
  if (record.genesis !== enrolled.genesis) {
    throw new Refusal("LEDGER-BOX", "the decision is about another box", {
      expected: enrolled.genesis,
      got: record.genesis,
    });
  }
  const signers: { certificate: Certificate; signingTime: Utc }[] = [];
  for (const part of parts) signers.push(...(await verifyAllSigners(nodeHost, part, leastRsaBits)));
  const seen = new Set<string>();
  for (const { certificate, signingTime } of signers) {
    checkKeeper(enrolled.keepers, certificate, signingTime);
    checkNotLater(trust, signingTime, 0);
    const key = keyIdentity(certificate.spki);
    if (seen.has(key))
      throw new Refusal("PERSON-TWICE", "a keeper signed twice: each counts once", { got: certificate.subjectText });
    seen.add(key);
  }
  if (seen.size < keepersNeeded) {
    throw new Refusal("QUORUM", "too few keepers signed the decision", {
      expected: `${keepersNeeded} distinct keepers`,
      got: signers.map(({ certificate }) => certificate.subjectText).join(", "),
    });
  }
  return {
    record,
    digest: hex(await nodeHost.digest("sha256", content)),
    p7m: parts.length === 1 ? (p7ms[0] as Uint8Array) : mergeSignedData(parts),
    keepers: signers.map(({ certificate }) => certificate.subjectText),
  };
}

function checkKeeper(
  keepers: readonly Uint8Array[],
  { der, notAfter, notBefore, subjectText: got }: Certificate,
  signed: Utc,
): void {
  if (!keepers.some((one) => equal(one, der))) {
    throw new Refusal("PERSON-UNKNOWN", "signed by somebody who was not named as a keeper when the box was enrolled", {
      got,
    });
  }
  if (signed >= notBefore && signed <= notAfter) return;
  throw new Refusal("PATH-TIME", "a keeper's certificate is not valid at the time of the signature", {
    expected: `${notBefore} to ${notAfter}`,
    got: signed,
    about: got,
  });
}
