/** Extensions about certificate policies, as CAs write them. */

import { der, integer, objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import type { Extension } from "../../pki/authority.ts";

/** A policy of the arc for documentation. */
export const p = (number: number): string => `1.3.6.1.4.1.32473.7.${number}`;

export function policies(...names: readonly string[]): Extension {
  return { oid: oid.certificatePolicies, value: sequence(...names.map((name) => sequence(objectIdentifier(name)))) };
}

export function mappings(...pairs: readonly (readonly [from: string, to: string])[]): Extension {
  const value = sequence(...pairs.map((pair) => sequence(...pair.map(objectIdentifier))));
  return { oid: oid.policyMappings, value };
}

/** Critical, as RFC 5280 wants it. */
export function constraints(explicit?: number, mapping?: number): Extension {
  const part = (tag: number, value: number | undefined) =>
    value === undefined ? [] : [der(tag, Uint8Array.of(value))];
  return {
    oid: oid.policyConstraints,
    critical: true,
    value: sequence(...part(0x80, explicit), ...part(0x81, mapping)),
  };
}

export function inhibitAny(after: number): Extension {
  return { oid: oid.inhibitAnyPolicy, critical: true, value: integer(after) };
}
