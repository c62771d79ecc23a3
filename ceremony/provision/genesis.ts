/** The genesis policy of a test box: composed here, signed by every operator with the own token. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { type SigningKey, signContent } from "../../manifests/cms/sign.ts";
import type { SuiteName } from "../../manifests/cms/suite.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { type Policy, policyJson, policyVersion, readPolicy } from "../../manifests/records/policy.ts";

export interface GenesisFacts {
  readonly appliance: string;
  readonly suite: SuiteName;
  readonly threshold: number;
  readonly operators: readonly { readonly person: string; readonly certificate: Uint8Array }[];
  readonly submitter: { readonly name: string; readonly certificate: Uint8Array };
  readonly root: Uint8Array;
  readonly keys: { readonly sealing: Uint8Array; readonly audit: Uint8Array };
  /** how old plain envelopes may be, in seconds; they are not taken unless said */
  readonly plainEnvelopes?: number | undefined;
  /** the ledger whose acknowledgements count; none unless said */
  readonly ledger?: Policy["ledger"] | undefined;
  readonly limits: Pick<Policy["limits"], "batchBytes" | "documentBytes" | "documents" | "minimumRsaBits">;
}

export const approvalText =
  "I checked who sent this batch, its list of documents and its digest against the submitter's slip, or, where there is " +
  "no slip, the number of its documents against what the submitter told me. " +
  "I did not read the documents; my approval says nothing about what is in them.";

/** Policy number 1, as canonical bytes that can be read back. */
export function genesisContent(facts: GenesisFacts): Uint8Array {
  const bytes = canonicalBytes(policyJson(genesisPolicy(facts)));
  readPolicy(bytes);
  return bytes;
}

/** The content signed by all operators: one SignedData with a SignerInfo each. */
export async function signGenesis(content: Uint8Array, keys: readonly SigningKey[]): Promise<Uint8Array> {
  const eContentType = ownOids(documentationArc).policy;
  const signingTime = utcOf(Date.now());
  const signed = await Promise.all(
    keys.map((key) => signContent(nodeHost, key, { eContentType, content, signingTime })),
  );
  return mergeSignedData(signed.map((one) => readSignedData(one)));
}

function genesisPolicy(facts: GenesisFacts): Policy {
  return {
    appliance: facts.appliance,
    arc: documentationArc,
    clock: { driftPpm: 50, maximumErrorSeconds: 3600 },
    keys: facts.keys,
    ...(facts.ledger ? { ledger: facts.ledger } : {}),
    limits: { ...facts.limits, approvalSeconds: 7 * 86_400 },
    modes: ["test"],
    network: "recorded",
    number: 1,
    people: people(facts),
    previous: null,
    profile: { digest: suiteOf(facts.suite).hash, level: "CAdES-B-B", suite: facts.suite },
    revoked: [],
    submitters: { plainEnvelopes: plainRules(facts), roots: [facts.root] },
    texts: { approval: approvalText },
    thresholds: { policy: facts.threshold, seal: facts.threshold },
    type: "policy",
    version: policyVersion(facts),
  };
}

function plainRules({ plainEnvelopes }: GenesisFacts): Policy["submitters"]["plainEnvelopes"] {
  return plainEnvelopes === undefined ? false : { maximumAgeSeconds: plainEnvelopes };
}

function people(facts: GenesisFacts): Policy["people"] {
  return [
    ...facts.operators.map(({ person, certificate }) => ({
      certificates: [certificate],
      id: person,
      name: `Operator ${person.slice(2)} (test)`,
      roles: ["operator", "officer"] as const,
    })),
    { certificates: [], id: "keeper", name: "Keeper (test)", roles: ["keeper"] },
    { certificates: [facts.submitter.certificate], id: "desk", name: facts.submitter.name, roles: ["submitter"] },
  ];
}
