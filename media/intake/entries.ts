/** Listing the stick's folders: bounded, without following anything, names taken as data. */

import type { BigIntStats } from "node:fs";
import { namesIn, statIn } from "../../host/no-follow.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Watch } from "./watch.ts";

export interface Entry {
  readonly name: string;
  readonly stat: BigIntStats;
}

/**
 * The entries of an open folder, in the order of the file system. Refuses with MEDIA-LIMIT the entry after
 * `maximum`, MEDIA-TIME, MEDIA-READ; a name that is not UTF-8 goes to `unreadable`, which refuses with MEDIA-NAME
 * unless said otherwise. What vanishes meanwhile is left out.
 */
export function* listEntries(
  folder: number,
  maximum: number,
  watch: Watch,
  unreadable: (refusal: Refusal, name: string) => void = refuse,
): Generator<Entry> {
  let count = 0;
  for (const name of namesIn(folder)) {
    watch.tick();
    if (++count > maximum) throw new Refusal("MEDIA-LIMIT", `a folder holds more than ${maximum} entries`);
    // Node shows bytes that are not UTF-8 as U+FFFD; such a name cannot be opened again.
    if (name.includes("\ufffd")) {
      unreadable(new Refusal("MEDIA-NAME", `name ${shown(name)} is not UTF-8, or holds U+FFFD`, { about: name }), name);
      continue;
    }
    const stat = statIn(folder, name);
    if (stat) yield { name, stat };
  }
}

/** Files that desktops leave in every folder they show: not part of a batch, and no reason to refuse it. */
export function isLeftByDesktop({ name, stat }: Entry): boolean {
  return stat.isFile() && (/^\._./.test(name) || /^(?:\.ds_store|thumbs\.db|desktop\.ini)$/i.test(name));
}

/** A size as a number; what is beyond 2^53 counts as 2^53-1, over every limit anyhow. */
export function sizeOf(stat: BigIntStats): number {
  return Number(stat.size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : stat.size);
}

function refuse(refusal: Refusal): never {
  throw refusal;
}
