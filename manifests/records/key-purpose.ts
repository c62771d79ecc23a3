/** What a key of the box is for. One key has one purpose for ever. */

import { type OwnOids, oid } from "../encoding/oid.ts";

/** `emergency`: seals of mode `emergency`. `time`: the box's own time-stamps. */
export const keyPurposes = ["audit", "sealing", "emergency", "time"] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

/** Of each of these every box has one in force, the others only where its policy names them. */
export const neededPurposes = ["audit", "sealing"] as const;
export type NeededPurpose = (typeof neededPurposes)[number];

/** The extended key usage that the certificate of a key must have. */
export function usageOf(purpose: KeyPurpose, oids: OwnOids): string {
  return purpose === "time" ? oid.timeStamping : oids[purpose];
}

/** The usage that it may not have beside it: seals of an emergency and others are told apart by their certificates alone. */
export function excludedUsage(purpose: KeyPurpose, oids: OwnOids): string | undefined {
  return { audit: undefined, emergency: oids.sealing, sealing: oids.emergency, time: undefined }[purpose];
}

/** Something of each key in force. */
export type OfKeys<T> = { readonly [K in NeededPurpose]: T } & {
  readonly [K in Exclude<KeyPurpose, NeededPurpose>]?: T;
};

/** What there is, with its purpose, in the order of the purposes. */
export function keyEntries<T>(keys: OfKeys<T>): readonly (readonly [KeyPurpose, T])[] {
  return keyPurposes.flatMap((purpose) => {
    const one = keys[purpose];
    return one === undefined ? [] : [[purpose, one] as const];
  });
}

/** The same of what is made of each. */
export function mapKeys<T, R>(keys: OfKeys<T>, make: (one: T, purpose: KeyPurpose) => R): OfKeys<R> {
  const made = keyEntries(keys).map(([purpose, one]) => [purpose, make(one, purpose)] as const);
  return Object.fromEntries(made) as unknown as OfKeys<R>;
}
