/** A bundle of an emergency: declared by two officers, approved by one operator, sealed by a key of its own; and the record that closed it. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type ClosedManifest, type Closing, closingBytes, closingRoot } from "../../manifests/records/closing.ts";
import type { EmergencyPart, EmergencyRules } from "../../manifests/records/emergency.ts";
import { type Manifest, manifestBytes } from "../../manifests/records/manifest.ts";
import { declarationPath } from "../../manifests/records/names.ts";
import { orderBytes } from "../../manifests/records/order.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { type Bundle, type BundleChanges, buildBundle } from "./build.ts";
import { audit, issuer, oids, op1, op2 } from "./people.ts";
import { makePolicy, policyBytes, signedBy } from "./signed.ts";

export const emergencyKey = issue(issuer, { name: "Emergency", eku: [oids.emergency] });
export const emergencyTimes = { declared: "2026-11-20T10:30:00Z", ended: "2026-11-21T08:00:00Z" } as const;

export const legalText = "Sealed under the emergency procedure.";
export const rules: EmergencyRules = {
  hours: 24,
  officers: 2,
  operators: 1,
  seals: 100,
  texts: [{ language: "en", text: legalText }],
};
export const namedText = { digest: hex(sha256(utf8(legalText))), language: "en" };

export const allowing = (policy: Policy): Policy => ({
  ...policy,
  emergency: rules,
  keys: { ...policy.keys, emergency: emergencyKey.spki },
  modes: ["test", "emergency"],
});

export interface EmergencyChanges extends BundleChanges {
  readonly rules?: (policy: Policy) => Policy;
  /** what the order says */
  readonly declares?: { readonly [name: string]: Json };
  /** other members of the order */
  readonly order?: Partial<Parameters<typeof orderBytes>[0]>;
  readonly officers?: readonly Issued[];
  readonly part?: (part: EmergencyPart) => EmergencyPart;
  /** who seals */
  readonly by?: Issued;
}

/** What makes of `buildBundle` a bundle of an emergency, and the order (p7m) that declared it. */
export async function emergencyChanges(changes: EmergencyChanges = {}): Promise<{
  readonly bundle: BundleChanges;
  readonly declaration: Uint8Array;
  readonly order: string;
}> {
  const { by = emergencyKey, declares, order: members, officers = [op1, op2], part = (right) => right } = changes;
  const policy = (right: Policy) => (changes.rules ?? allowing)((changes.policy ?? ((one: Policy) => one))(right));
  const what = { cause: "provider", reason: "The KMS is gone.", text: namedText, ...declares };
  const content = orderBytes({
    appliance: "box-1",
    created: emergencyTimes.declared,
    expires: "2026-11-20T11:30:00Z",
    kind: "declare-emergency",
    number: 4,
    policyDigest: hex(sha256(policyBytes(policy(makePolicy())))),
    previous: "12".repeat(32),
    what,
    ...members,
  });
  const declaration = await signedBy(officers, oids.order, content, emergencyTimes.declared);
  const order = hex(sha256(content));
  const emergency: EmergencyPart = part({
    cause: "provider",
    earlierSeals: 0,
    order,
    since: emergencyTimes.declared,
    text: namedText,
  });
  const bundle: BundleChanges = {
    approvers: [op1],
    sealer: by,
    sealMode: "emergency",
    ...changes,
    policy,
    head: (right) => ({ ...(changes.head ?? ((one: typeof right) => one))(right), mode: "emergency" }),
    challenge: (right) => (changes.challenge ?? ((one: typeof right) => one))({ ...right, emergency: order }),
    manifest: (right) => (changes.manifest ?? ((one: Manifest) => one))({ ...right, emergency }),
  };
  return { bundle, declaration, order };
}

/** The bundle, with the order that declared its emergency. */
export async function emergencyBundle(changes: EmergencyChanges = {}): Promise<Bundle> {
  const { bundle, declaration } = await emergencyChanges(changes);
  const made = await buildBundle(bundle);
  made.files.set(declarationPath, declaration);
  return made;
}

/** What the closing record of an emergency with this one manifest says. */
export async function closingFor({ genesis, manifest }: Bundle, change: Partial<Closing> = {}): Promise<Closing> {
  const { documents, emergency, number, outcome } = manifest;
  const manifests: readonly ClosedManifest[] = change.manifests ?? [
    {
      digest: hex(sha256(manifestBytes(manifest))),
      number,
      outcome,
      root: documents.root,
      seals: outcome === "sealed" ? documents.sealed : 0,
    },
  ];
  return {
    appliance: manifest.appliance,
    cause: emergency?.cause ?? "unknown",
    created: emergencyTimes.ended,
    declared: { number: 4, order: emergency?.order ?? "", since: emergency?.since ?? emergencyTimes.declared },
    ended: { number: 5, order: "34".repeat(32), time: emergencyTimes.ended },
    journal: { head: "0c".repeat(32), sequence: 1000 },
    manifests,
    policy: { digest: manifest.policy.digest, genesis, number: 1 },
    root: hex(await closingRoot(nodeHost, manifests)),
    seals: manifests.reduce((sum, { seals }) => sum + seals, 0),
    text: emergency?.text ?? namedText,
    type: "closing",
    version: 1,
    ...change,
  };
}

/** Signed by the audit key unless said. */
export function signClosing(
  closing: Closing,
  by: Issued = audit,
  signingTime: Utc = closing.created,
): Promise<Uint8Array> {
  return signContent(nodeHost, by.signingKey, {
    eContentType: oids.closing,
    content: closingBytes(closing),
    signingTime,
    extraCertificates: [issuer.certificate],
  });
}
