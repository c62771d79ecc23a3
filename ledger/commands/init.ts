/** Wires `coldseal ledger init`. */

import { resolve } from "node:path";
import { createLedger, ownPlace } from "../ledger-folder.ts";
import { onTwoFileSystems, placesOf } from "../publish/places.ts";

export async function runInit(
  folder: string,
  options: {
    readonly origin: string;
    readonly publish?: readonly string[];
    readonly appendOnly?: boolean;
    readonly json?: boolean;
  },
): Promise<void> {
  const { origin, publish, appendOnly = false } = options;
  const given = publish?.map((place) => ({ appendOnly, folder: resolve(place) }));
  await createLedger(folder, origin, given ?? [{ ...ownPlace, appendOnly }]);
  const places = placesOf({ folder, origin });
  const twoFileSystems = onTwoFileSystems(places) ?? false;
  const names = places.map(({ name }) => name);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ folder, origin, places: names, size: 0, twoFileSystems })}\n`);
    return;
  }
  process.stdout.write(`ledger ${origin} made in ${folder}: an empty log\n`);
  for (const name of names) process.stdout.write(`it publishes in ${name}\n`);
  if (!twoFileSystems)
    process.stdout.write("NOT ON TWO FILE SYSTEMS: what takes this one takes all that is published\n");
}
