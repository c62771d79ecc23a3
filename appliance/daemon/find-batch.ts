/** Which batch a person means: a folder's name, a batch id, or at least 8 hex digits of the digest. Pure. */

import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BatchState } from "./batch-state.ts";

/** Live batches come before ended ones. Refuses with BATCH-UNKNOWN, and USAGE when several are meant. */
export function findBatch(batches: readonly BatchState[], name: string): BatchState {
  const live = batches.filter(({ phase }) => phase.at !== "ended" && phase.at !== "answering");
  const answering = batches.filter(({ phase }) => phase.at === "answering");
  const ended = batches.filter(({ phase }) => phase.at === "ended");
  for (const group of [live, answering, ended]) {
    const meant = group.filter((one) => isMeant(one, name));
    if (meant.length > 1) throw ambiguous(name, meant);
    if (meant[0]) return meant[0];
  }
  throw new Refusal("BATCH-UNKNOWN", `no batch is called ${shown(name)}`, { about: name });
}

function isMeant({ folder, digest, about }: BatchState, name: string): boolean {
  if (folder === name || about?.batch === name) return true;
  return /^[0-9a-f]{8,64}$/.test(name) && digest?.startsWith(name) === true;
}

function ambiguous(name: string, meant: readonly BatchState[]): Refusal {
  const digests = meant.map(({ digest, folder }) => `${folder} (${digest?.slice(0, 12) ?? "no digest"})`);
  return new Refusal("USAGE", `several batches are called ${shown(name)}`, {
    expected: "the first 8 or more hex digits of one batch's digest",
    got: digests.join(", "),
  });
}
