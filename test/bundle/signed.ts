/** Signing the records of a made-up bundle with software keys. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { mergeSignedData, signerInfo } from "../../manifests/cms/write.ts";
import { canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type Policy, policyJson } from "../../manifests/records/policy.ts";
import { type SealFacts, sealAttributes, sealFile } from "../../manifests/records/seal.ts";
import type { Issued } from "../pki/authority.ts";
import { audit, issuer, oids, people, root, sealing } from "./people.ts";

/** When the policy was signed, the batch asked for, approved and sealed; the manifest is the last. */
export const times = {
  policy: "2026-11-01T08:00:00Z",
  request: "2026-11-20T10:00:00Z",
  approval: "2026-11-20T11:00:00Z",
  sealing: "2026-11-20T12:00:00Z",
  manifest: "2026-11-20T12:00:05Z",
  expires: "2026-11-21T10:00:00Z",
} as const;

/** Signed by all of `signers`, with everyone's certificate, as the daemon merges approvals. */
export async function signedBy(
  signers: readonly Issued[],
  eContentType: string,
  content: Uint8Array,
  signingTime: Utc = times.approval,
): Promise<Uint8Array> {
  const signed = signers.map(({ signingKey }) =>
    signContent(nodeHost, signingKey, { eContentType, content, signingTime }),
  );
  return mergeSignedData((await Promise.all(signed)).map((one) => readSignedData(one)));
}

/** Policy number 1, two of three operators. */
export function makePolicy(changes: Partial<Policy> = {}): Policy {
  return {
    appliance: "box-1",
    arc: documentationArc,
    clock: { driftPpm: 50, maximumErrorSeconds: 3600 },
    keys: { audit: audit.spki, sealing: sealing.spki },
    limits: {
      approvalSeconds: 604_800,
      batchBytes: 2 ** 40,
      documentBytes: 2 ** 32,
      documents: 100_000,
      minimumRsaBits: 3072,
    },
    modes: ["test"],
    network: "recorded",
    number: 1,
    people,
    previous: null,
    profile: { digest: "sha256", level: "CAdES-B-B", suite: "ecdsa-p256-sha256" },
    revoked: [],
    submitters: { plainEnvelopes: false, roots: [root.certificate] },
    texts: { approval: "I checked origin, list and digest, not the contents." },
    thresholds: { policy: 2, seal: 2 },
    type: "policy",
    version: 1,
    ...changes,
  };
}

export function policyBytes(policy: Policy): Uint8Array {
  return canonicalBytes(policyJson(policy));
}

/** The facts of a seal of the test box; everything may be changed. */
export function sealFacts(changes: Partial<SealFacts> & Pick<SealFacts, "documentDigest">): SealFacts {
  return {
    oids,
    signingTime: times.sealing,
    certificateDigest: sha256(sealing.certificate),
    suite: sealing.suite,
    mode: "test",
    appliance: "box-1",
    number: 1,
    index: 1,
    ...changes,
  };
}

/** A seal's file, and its SignerInfo whose SHA-256 is the seal's digest. */
export async function makeSeal(
  facts: SealFacts,
  by: Issued = sealing,
  chain: readonly Uint8Array[] = [by.certificate, issuer.certificate],
): Promise<{ readonly file: Uint8Array; readonly info: Uint8Array }> {
  const attributes = sealAttributes(facts);
  const signature = await by.signingKey.sign(attributes);
  const { certificate, suite } = by;
  const info = signerInfo({ certificate, suite, signedAttributes: attributes, signature });
  return { file: sealFile({ certificates: chain, signerInfo: info }), info };
}
