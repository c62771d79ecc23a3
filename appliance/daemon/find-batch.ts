/** Which batch a person means: a folder's name, a batch id, at least 8 hex digits of the digest, or the number of its manifest. Pure. */

import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BatchState } from "./batch-state.ts";

/**
 * Live batches come before ended ones, and names and digests before numbers of manifests. Refuses with BATCH-UNKNOWN, and
 * USAGE when several are meant.
 */
export function findBatch(batches: readonly BatchState[], name: string): BatchState {
  const live = batches.filter(({ phase }) => phase.at !== "ended" && phase.at !== "answering");
  const answering = batches.filter(({ phase }) => phase.at === "answering");
  const ended = batches.filter(({ phase }) => phase.at === "ended");
  for (const is of [isNamed, isNumbered]) {
    for (const group of [live, answering, ended]) {
      const meant = group.filter((one) => is(one, name));
      if (meant.length > 1) throw ambiguous(name, meant);
      if (meant[0]) return meant[0];
    }
  }
  throw new Refusal("BATCH-UNKNOWN", `no batch is called ${shown(name)}`, { about: name });
}

/** Whether a batch may be meant by a name. */
export function isMeant(batch: BatchState, name: string): boolean {
  return isNamed(batch, name) || isNumbered(batch, name);
}

function isNamed({ folder, digest, about }: BatchState, name: string): boolean {
  if (folder === name || about?.batch === name) return true;
  return /^[0-9a-f]{8,64}$/.test(name) && digest?.startsWith(name) === true;
}

function isNumbered({ number }: BatchState, name: string): boolean {
  return number !== null && `${number}` === name;
}

function ambiguous(name: string, meant: readonly BatchState[]): Refusal {
  const which = ({ digest, folder, number }: BatchState) =>
    [folder, ` (${number === null ? "" : `manifest ${number}, `}${digest?.slice(0, 12) ?? "no digest"})`].join("");
  return new Refusal("USAGE", `several batches are called ${shown(name)}`, {
    expected: "the number of its manifest, or the first 8 or more hex digits of its digest",
    got: meant.map(which).join(", "),
  });
}
