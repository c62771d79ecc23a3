/** What a manifest says of revocation data that came to its box on media, where the policy asks for such (docs/formats.md, "manifest.p7m"). */

import { hexText, list, object, oneOf, type Read, text } from "../encoding/shape.ts";

export const revocationKinds = ["crl", "ocsp"] as const;
export type RevocationKind = (typeof revocationKinds)[number];

/** Most bytes of a list or response that a box takes: 100,000 entries of a list are about 4 MiB. */
export const stagedLimit = 16 << 20;
/** Most lists and responses beside one manifest. */
export const mostStaged = 64;

export const readRevocationPart = object({
  /** in force when the batch was sealed, in the order of their files */
  files: list(object({ digest: hexText(), kind: oneOf(revocationKinds) }), 0, mostStaged),
  /** subjects of the box's certificates of which nothing that was new enough said whether they are revoked; the policy let it seal all the same */
  stale: list(text(500), 0, 64),
});
export type RevocationPart = Read<typeof readRevocationPart>;

/** Folder of them below `outbox/BATCH`. */
export const revocationFolder = "revocation";

/** Path of a list or response below `outbox/BATCH`; `number` counts from 1, in the manifest's order. */
export function revocationPath(number: number, kind: RevocationKind): string {
  return `${revocationFolder}/${String(number).padStart(4, "0")}.${kind === "crl" ? "crl" : "ors"}`;
}

/** Path and digest (hex) of each that a manifest names. */
export function revocationDigests({
  revocation,
}: {
  readonly revocation?: RevocationPart | undefined;
}): ReadonlyMap<string, string> {
  return new Map((revocation?.files ?? []).map(({ digest, kind }, at) => [revocationPath(at + 1, kind), digest]));
}
