/** Wires `coldseal ledger init`. */

import { resolve } from "node:path";
import { createLedger, ownPlace } from "../ledger-folder.ts";
import { onTwoFileSystems, placesOf } from "../publish/places.ts";
import { nameOf, readPostgresSettings } from "../store/postgres-settings.ts";

export async function runInit(
  folder: string,
  options: {
    readonly origin: string;
    readonly publish?: readonly string[];
    readonly appendOnly?: boolean;
    readonly afterBackup?: boolean;
    readonly postgres?: string;
    readonly json?: boolean;
  },
): Promise<void> {
  const { origin, publish, afterBackup = false, appendOnly = false } = options;
  const settings = options.postgres === undefined ? undefined : readPostgresSettings(resolve(options.postgres));
  const given = publish?.map((place) => ({ appendOnly, folder: resolve(place) }));
  await createLedger(folder, origin, given ?? [{ ...ownPlace, appendOnly }], settings, afterBackup);
  const places = placesOf({ folder, origin });
  const twoFileSystems = onTwoFileSystems(places) ?? false;
  const names = places.map(({ name }) => name);
  const store = settings === undefined ? "sqlite" : settings.replicated ? "postgresql, replicated" : "postgresql";
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ folder, origin, places: names, size: 0, store, twoFileSystems })}\n`);
    return;
  }
  process.stdout.write(`ledger ${origin} made in ${folder}: an empty log\n`);
  if (settings !== undefined) {
    const { database, schema, servers } = settings;
    process.stdout.write(
      `its store is schema ${schema} of database ${database} on ${servers.map(nameOf).join(", ")}\n`,
    );
    if (!settings.replicated) process.stdout.write("NOT REPLICATED: what takes that server's disk takes the record\n");
  }
  for (const name of names) process.stdout.write(`it publishes in ${name}\n`);
  if (afterBackup) process.stdout.write("it publishes nothing before a backup holds it\n");
  if (!twoFileSystems)
    process.stdout.write("NOT ON TWO FILE SYSTEMS: what takes this one takes all that is published\n");
}
