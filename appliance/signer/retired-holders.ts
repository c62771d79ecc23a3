/** Who left the policy since the PIN was split: a share of such a person still opens the token, until the PIN is split anew. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { readSignedData } from "../../manifests/cms/read.ts";
import { type Policy, readPolicy } from "../../manifests/records/policy.ts";
import type { Box } from "./box.ts";

/** Ids, in the order of the older policy; none where no PIN was split. By the journal's last change of the PIN, else by policy number 1. */
export function retiredHolders({ db, facts, policies }: Pick<Box, "db" | "facts" | "policies">): readonly string[] {
  if (!existsSync(join(facts.state, "wrapped-unlock.json"))) return [];
  const changed = db
    .prepare<[], number>("SELECT coalesce(max(sequence), 0) FROM journal WHERE kind = 'pin-changed'")
    .pluck()
    .get() as number;
  const number = db
    .prepare<[number], number>(
      "SELECT coalesce(max(json_extract(record, '$.number')), 1) FROM journal WHERE kind = 'policy' AND sequence <= ?",
    )
    .pluck()
    .get(changed) as number;
  if (number === policies.inForce.number) return [];
  const then = policies.all().find((one) => one.number === number);
  if (!then) return [];
  const now = new Set(idsOf(policies.inForce.policy));
  return idsOf(readPolicy(readSignedData(then.p7m).content ?? new Uint8Array(0))).filter((id) => !now.has(id));
}

function idsOf({ people }: Pick<Policy, "people">): readonly string[] {
  return people.map(({ id }) => id);
}
