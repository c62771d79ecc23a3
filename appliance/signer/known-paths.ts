/** Paths and CAs that a box knows: those of its own keys up to the roots that its policy names, and the roots of its submitters. */

import { equal } from "../../manifests/encoding/bytes.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { type Certificate, readCertificate } from "../../manifests/x509/certificate.ts";
import type { Box } from "./box.ts";
import { keysAtHand } from "./standing.ts";

/** A certificate, its issuers, and the root where the policy has it. */
export type KnownPath = readonly [Certificate, ...Certificate[]];

/** Of a key's chain (DER, without the root) as far up as it is known. */
export function pathOf(chain: readonly Uint8Array[], { revocation }: Policy): KnownPath {
  const below = chain.map(readCertificate) as unknown as KnownPath;
  const last = below.at(-1) as Certificate;
  const root = (revocation?.roots ?? []).map(readCertificate).find(({ subject }) => equal(subject, last.issuer));
  return root ? [...below, root] : below;
}

/** Each certificate of a path but the last, with all above it. */
export function partsOf(path: KnownPath): readonly KnownPath[] {
  return path.slice(0, -1).map((_, from) => path.slice(from) as unknown as KnownPath);
}

/** Of all keys that the box has and that have certificates, in force or not. */
export function ownPaths(box: Box): readonly KnownPath[] {
  const { policy } = box.policies.inForce;
  return keysAtHand(box.configured, box.orders.standing)
    .filter(({ chain }) => chain.length > 0)
    .map(({ chain }) => pathOf(chain, policy));
}

/** Everybody who may issue a list that concerns this box. */
export function knownIssuers(box: Box): readonly Certificate[] {
  const { revocation, submitters } = box.policies.inForce.policy;
  const roots = [...(revocation?.roots ?? []), ...submitters.roots].map(readCertificate);
  return [...ownPaths(box).flatMap((path) => path.slice(1)), ...roots];
}
