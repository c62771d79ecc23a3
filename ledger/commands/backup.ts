/** Wires `coldseal ledger backup`, `coldseal ledger restore` and `coldseal ledger upgrade`. */

import { join, resolve } from "node:path";
import { count } from "../../host/terminal/amounts.ts";
import { exitStatus } from "../../host/terminal/refusal-lines.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { noteBackup } from "../backup/backed-up.ts";
import { type BackupRecord, dumpFile } from "../backup/backup-record.ts";
import { makeBackup, onOneFileSystem } from "../backup/make-backup.ts";
import { type Restored, restoreBackup } from "../backup/restore.ts";
import { serversOf, storeFile } from "../ledger-folder.ts";
import { keyNames, readKeyRecord } from "../signer/key-record.ts";
import { type PostgresSettings, readPostgresSettings } from "../store/postgres-settings.ts";
import { schemaVersion } from "../store/schema.ts";
import { upgradeSqlite } from "../store/sqlite.ts";

/** In the place of a folder for a backup, where a store on servers was backed up by their own means. */
const noBackup = "none";

type Tell = (consequence: string) => void;

export interface BackupOptions {
  readonly withoutKeys?: boolean;
  readonly json?: boolean;
}

export async function runBackup(
  folder: string,
  to: string,
  { json, withoutKeys = false }: BackupOptions,
  tell: Tell,
): Promise<void> {
  tell("the ledger is as it was, and what is in the new folder is no backup");
  const record = await makeBackup({ folder, to, keys: !withoutKeys, now: utcOf(Date.now()) });
  tell(`the backup in ${to} is whole, and not noted: where publishing waits for one, it waits for another`);
  await noteBackup(folder, record, to);
  const same = onOneFileSystem(folder, to);
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...record, oneFileSystem: same, to })}\n`
      : `${backupLines(record, to, same).join("\n")}\n`,
  );
}

function backupLines({ files, origin, root, signed, size }: BackupRecord, to: string, same: boolean): string[] {
  const holds = (name: string) => files.some(({ path }) => path === name);
  const keys = holds("signer/keys.json");
  const open = size - signed;
  return [
    `backed up ${origin}: ${count(size, "entry", "entries")}, root ${root}`,
    `in ${shown(to)}, ${count(files.length, "file")}; ${holds(dumpFile) ? "dumped by pg_dump" : "looked through"}, synced`,
    ...(holds(dumpFile) ? ["WITHOUT the database's password and TLS files, which postgres.json names"] : []),
    ...(open > 0
      ? [`${count(open, "entry", "entries")} of it not signed yet: publish now, and what is published is backed up`]
      : []),
    ...(keys ? keyLines(join(to, "signer")) : ["WITHOUT KEYS: a ledger that is restored from it signs nothing"]),
    ...(same ? ["ON ONE FILE SYSTEM with the ledger: what takes that takes this backup"] : []),
  ];
}

/** A key on a token is in no backup of ours. */
function keyLines(signer: string): string[] {
  const record = readKeyRecord(signer);
  const words = { acknowledgement: "acknowledgements", checkpoint: "checkpoints" } as const;
  return keyNames.map((name) =>
    record[name].held === "file"
      ? `with the key for ${words[name]}, under its passphrase`
      : `WITHOUT the key for ${words[name]}, which is on a token: only that token, or its maker's own backup, has it`,
  );
}

export interface RestoreOptions {
  readonly publish?: readonly string[];
  readonly counter?: string;
  readonly postgres?: string;
  readonly forReading?: boolean;
  readonly json?: boolean;
}

/** Exit status 4 where, for reading, something was restored that does not hold or is older than what others saw. */
export async function runRestore(
  from: string,
  folder: string,
  { counter, forReading = false, json, postgres, publish }: RestoreOptions,
  tell: Tell,
): Promise<void> {
  tell("nothing was restored");
  const restored = await restoreBackup({
    from,
    folder,
    forReading,
    ...(publish ? { publish: publish.map((one) => resolve(one)) } : {}),
    ...(counter === undefined ? {} : { counter: resolve(counter) }),
    ...(postgres === undefined ? {} : { postgres: readPostgresSettings(resolve(postgres)) }),
    onLoaded: (where) => tell(`no folder was made; what the backup has is in ${where}, until somebody drops it`),
  });
  const { check, ...rest } = restored;
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...rest, check: { ...check, root: hex(check.root) }, folder })}\n`
      : `${restoreLines(restored, folder).join("\n")}\n`,
  );
  if (check.count > 0 || restored.missing || restored.shown.some(({ other }) => other))
    process.exitCode = exitStatus.verification;
}

function restoreLines(restored: Restored, folder: string): string[] {
  const { backup, check, keys, missing, places, shown: seen, store, upgraded } = restored;
  const { made, origin, size } = backup;
  return [
    `restored ${origin} in ${shown(folder)}: ${count(size, "entry", "entries")}, as of ${made}`,
    ...storeLines(store, check.size - size),
    ...(upgraded === null ? [] : [`its store was of version ${upgraded}, and is of version ${schemaVersion} now`]),
    ...places.map(({ name, state }) => `  publishes in ${shown(name)}: ${placeWords[state]}`),
    ...seen.map(({ other, size: at, where, why }) =>
      at === null
        ? `  ${shown(where)}: COULD NOT BE ASKED: ${shown(why ?? "")}`
        : `  ${shown(where)} shows ${at} entries${why === null ? "" : `: ${other ? "ANOTHER HISTORY" : "COULD NOT BE COMPARED"}: ${shown(why)}`}`,
    ),
    ...check.findings.slice(0, 20).map(({ what, where }) => `  CHANGED OR MISSING: ${shown(where)}: ${shown(what)}`),
    ...(missing
      ? [
          `ENTRIES ${missing.from} TO ${missing.to} ARE LOST: they were published, and what opens them is not in this backup`,
        ]
      : check.count === 0
        ? [
            "every row and every place that is left is what was appended",
            ...(seen.every(({ why }) => why === null) ? ["nothing that others were shown is missing"] : []),
          ]
        : []),
    ...(keys
      ? [
          "The signer stands still. Find the newest checkpoint that was ever signed (places, witnesses, sticks), then:",
          `  coldseal ledger forward ${shown(folder)} CHECKPOINT${backup.signed > 0 ? "" : "   (or --none-signed, where there is none anywhere)"}`,
          "Then bring all sticks since the backup again (what is known changes nothing), back up, and publish.",
        ]
      : ["without keys: to read and to look at; nothing is signed by it"]),
  ];
}

function storeLines(store: Restored["store"], more: number): string[] {
  if (store === "copied") return [];
  if (store === "loaded") return ["its store was loaded into the database"];
  const later = more === 0 ? "" : `, and ${count(more, "more entry", "more entries")} than the backup`;
  return [`its store WAS THERE already, restored by other means: it holds all that the backup does${later}`];
}

const placeWords = {
  there: "as it was",
  empty: "empty; the next publishing fills it",
  MISSING: "MISSING: nothing is acknowledged before it is back; or restore with --publish",
} as const;

export async function runUpgrade(
  folder: string,
  { backup: to, json }: { readonly backup: string; readonly json?: boolean },
  tell: Tell,
): Promise<void> {
  tell("the store is as it was");
  const servers = serversOf(folder);
  const backup = servers !== undefined && to === noBackup ? null : to;
  if (backup !== null) {
    const record = await makeBackup({ folder, to: backup, now: utcOf(Date.now()) });
    tell(`the store is as it was, and backed up in ${backup}`);
    await noteBackup(folder, record, backup);
  }
  const from = servers === undefined ? upgradeSqlite(join(folder, storeFile)) : await upgradeServers(servers);
  const words =
    from === schemaVersion
      ? `the store is of version ${schemaVersion} already: nothing changed`
      : `the store was of version ${from}, and is of version ${schemaVersion} now: look at it by \`coldseal ledger verify\``;
  const lines = [...(backup === null ? [] : [`backed up in ${shown(backup)}`]), words];
  process.stdout.write(json ? `${JSON.stringify({ backup, from, to: schemaVersion })}\n` : `${lines.join("\n")}\n`);
}

async function upgradeServers(servers: PostgresSettings): Promise<number> {
  const { upgradePostgres } = await import("../store/postgres.ts");
  return upgradePostgres(servers);
}
