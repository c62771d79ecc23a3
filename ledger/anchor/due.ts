/** When evidence of time has to be renewed: some time before the first certificate of its authority's path, or the hash of its tree, ends. Pure. */

import type { HashName } from "../../manifests/cms/suite.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import type { AnchorSettings } from "./settings.ts";
import type { StoredToken } from "./stored-chains.ts";

export interface Due {
  readonly round: number;
  readonly hash: HashName;
  /** from when on it is to be renewed */
  readonly due: Utc;
  /** what ends then, and by what it is renewed: another token, or another hash */
  readonly ends: Utc;
  readonly by: "token" | "hash";
}

/** The earliest first. */
export function renewals(
  last: readonly Pick<StoredToken, "round" | "hash" | "ends">[],
  { hashEnds, renewDays }: Pick<AnchorSettings, "hashEnds" | "renewDays">,
): readonly Due[] {
  const all = last.map(({ ends: certificate, hash, round }): Due => {
    const end = hashEnds[hash];
    const by = end !== undefined && end < certificate ? "hash" : "token";
    const ends = by === "hash" ? (end as Utc) : certificate;
    return { round, hash, due: utcOf(Date.parse(ends) - renewDays * 86_400_000), ends, by };
  });
  return all.sort((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : a.round - b.round));
}
