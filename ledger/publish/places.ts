/** `places.json` in a ledger's folder: where it publishes, meant to be two file systems, so that one that is lost takes one copy; and whether it waits for backups with that. */

import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeDurable } from "../../host/durable.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { flag, list, literal, object, optional, type Read, text } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { Ledger } from "../ledger-folder.ts";
import { checkPlace, FolderPlace, makePlace } from "./folder-place.ts";

const file = "places.json";

const readMembers = object({
  /** nothing is signed, and so nothing published, before a backup holds it; not unless said */
  afterBackup: optional(flag),
  places: list(
    object({
      /** whether the file system's attributes shall keep what is published: only root can set them, and only root can remove it again */
      appendOnly: flag,
      /** relative to the ledger's folder */
      folder: text(4096),
    }),
    1,
    8,
  ),
  type: literal("ledger-places"),
  version: literal(1),
});
export type PlaceSetting = Read<typeof readMembers>["places"][number];

/** Refuses USAGE one that is named twice: two copies would be one. */
export function checkDifferent(folder: string, places: readonly PlaceSetting[]): void {
  const names = places.map((place) => resolve(folder, place.folder));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new Refusal("USAGE", "one place to publish in is named twice", { expected: "each once", got: twice });
}

/** Refuses STORE one that cannot be made ready, before any of them is. */
export async function checkPlaces(folder: string, origin: string, places: readonly PlaceSetting[]): Promise<void> {
  for (const place of places) await checkPlace(resolve(folder, place.folder), origin);
}

/** Makes each place ready, then says so in the ledger's folder. Refuses STORE. */
export async function makePlaces(
  folder: string,
  origin: string,
  places: readonly PlaceSetting[],
  afterBackup = false,
): Promise<void> {
  for (const place of places) await makePlace(resolve(folder, place.folder), origin);
  const settings = { ...(afterBackup ? { afterBackup } : {}), places, type: "ledger-places", version: 1 };
  await writeDurable(join(folder, file), utf8(`${JSON.stringify(settings, null, 2)}\n`));
}

/** The places in the order of the file. Refuses CONFIG; whether a place can be used says its use. */
export function placesOf({ folder, origin }: Pick<Ledger, "folder" | "origin">): readonly FolderPlace[] {
  return placeSettings(folder).places.map(
    (place) => new FolderPlace(resolve(folder, place.folder), origin, place.appendOnly),
  );
}

/** What `places.json` says. Refuses CONFIG. */
export function placeSettings(folder: string): {
  readonly places: readonly PlaceSetting[];
  readonly afterBackup: boolean;
} {
  const at = join(folder, file);
  try {
    const { afterBackup = false, places } = readMembers(readPlainJson(readFileSync(at, "utf8")), file);
    return { places, afterBackup };
  } catch (fault) {
    const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "cannot be read");
    throw new Refusal("CONFIG", `the ledger's places cannot be used: ${why.message}`, { about: at, cause: fault });
  }
}

/** Whether there are two places at least, on two file systems at least; undefined where one of them is not there to be looked at. */
export function onTwoFileSystems(places: readonly { readonly name: string }[]): boolean | undefined {
  const devices = places.map(({ name }) => statSync(name, { throwIfNoEntry: false })?.dev);
  return devices.includes(undefined) ? undefined : new Set(devices).size > 1;
}
