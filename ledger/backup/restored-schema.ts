/**
 * The store of a restored ledger on PostgreSQL: made out of the backup's dump where its schema is not there; one that is there was restored before, by pg_restore or out of the servers' own archive, and
 * is taken as it is. No schema is ever removed here: somebody may be using it by then.
 */

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { removeDurable } from "../../host/durable.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { serversFile } from "../ledger-folder.ts";
import { hasSchema, upgradePostgres } from "../store/postgres.ts";
import { loadDump } from "../store/postgres-dump.ts";
import { type PostgresSettings, readPostgresSettings, writePostgresSettings } from "../store/postgres-settings.ts";
import { schemaVersion } from "../store/schema.ts";
import { type BackupRecord, dumpFile } from "./backup-record.ts";
import { copyExactly } from "./copied-file.ts";

export interface SchemaWanted {
  /** the backup's folder */
  readonly from: string;
  /** where it shall be, or is; where it was, unless said */
  readonly postgres?: PostgresSettings;
  /** refuses where the backup may not go on: before anything of it is loaded */
  readonly checkFirst: () => Promise<void>;
  /** told when the dump is in the database, and stays there whatever comes */
  readonly onLoaded?: ((where: string) => void) | undefined;
}

export interface RestoredSchema {
  readonly store: "loaded" | "there";
  /** the version that its tables were of, where that was an older one */
  readonly upgraded: number | null;
}

/** Into `begun`, which has the backup's own settings. Refuses CONFIG, STORE, STORE-VERSION, LEDGER-BACKUP a dump that is not what it was, and what `checkFirst` refuses. */
export async function bringSchema(begun: string, backup: BackupRecord, wanted: SchemaWanted): Promise<RestoredSchema> {
  const own = readPostgresSettings(join(begun, serversFile));
  const settings = wanted.postgres ?? own;
  checkSame(own, settings);
  await writePostgresSettings(join(begun, serversFile), settings);
  const there = await hasSchema(settings);
  if (!there) {
    await wanted.checkFirst();
    await load(begun, backup, settings, wanted.from);
    wanted.onLoaded?.(`schema ${settings.schema} of database ${settings.database}`);
  }
  const version = await upgradePostgres(settings);
  return { store: there ? "there" : "loaded", upgraded: version < schemaVersion ? version : null };
}

/** From a private copy, whose digest is the record's. */
async function load(begun: string, { files }: BackupRecord, settings: PostgresSettings, from: string): Promise<void> {
  const dump = files.find(({ path }) => path === dumpFile);
  if (!dump) throw new Refusal("INTERNAL", "a backup without a dump");
  await copyExactly(from, dump, begun);
  await loadDump(settings, createReadStream(join(begun, dumpFile)), begun);
  await removeDurable(join(begun, dumpFile));
}

function checkSame(own: PostgresSettings, wanted: PostgresSettings): void {
  if (own.schema === wanted.schema) return;
  throw new Refusal("CONFIG", "these settings name another schema than the backup is of", {
    expected: own.schema,
    got: wanted.schema,
  });
}
