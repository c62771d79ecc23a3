/** Where a restored ledger publishes: in the places that are left, and in new ones for those that are gone. */

import { resolve } from "node:path";
import { Refusal } from "../../manifests/refusal.ts";
import { makePlace } from "../publish/folder-place.ts";
import { checkDifferent, makePlaces, placeSettings } from "../publish/places.ts";
import type { RestoreWanted } from "./restore.ts";
import type { Shown } from "./shown-elsewhere.ts";

/** "empty": it shows nothing yet, and the next publishing fills it; "MISSING": it cannot be read, and nothing is acknowledged before it can */
export type PlaceState = "there" | "empty" | "MISSING";

/**
 * Those that `publish` names are made where they are empty; else those of the backup stay, of which only one within the ledger's folder, which went with it, is made: another may be
 * on a file system that is not mounted. Refuses USAGE, STORE.
 */
export async function bringPlaces(
  begun: string,
  { folder, publish }: Pick<RestoreWanted, "folder" | "publish">,
  origin: string,
): Promise<void> {
  const { afterBackup, places: former } = placeSettings(begun);
  if (publish === undefined) {
    const own = former.map((one) => resolve(begun, one.folder));
    for (const place of own.filter((one) => one.startsWith(`${begun}/`))) await makePlace(place, origin);
    return;
  }
  const within = publish.find((place) => `${place}/`.startsWith(`${folder}/`));
  if (within !== undefined) {
    const detail = { expected: "a folder outside of it", got: within };
    throw new Refusal("USAGE", "a place to publish in lies within the ledger's folder", detail);
  }
  const places = publish.map((place) => ({ appendOnly: false, folder: place }));
  checkDifferent(begun, places);
  await makePlaces(begun, origin, places, afterBackup);
}

export function stateOf(name: string, shown: readonly Shown[]): PlaceState {
  const size = shown.find(({ where }) => where === name)?.size ?? null;
  if (size === null) return "MISSING";
  return size === 0 ? "empty" : "there";
}
