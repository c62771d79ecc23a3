/** The commands for a ledger's store as a whole: backed up, restored, brought up to a newer version. */

import type { Command } from "commander";

/** `tell` takes what has been done so far. */
export function addStoreCommands(ledger: Command, tell: (consequence: string) => void): void {
  ledger
    .command("backup")
    .description("copy the ledger as it is at one moment into a new folder, also while others write")
    .argument("<folder>", "the ledger")
    .argument("<to>", "a new or an empty folder, best on another disk")
    .option("--without-keys", "leave out the ledger's keys, which are under a passphrase")
    .action(async (folder: string, to: string, _options, command: Command) => {
      const { runBackup } = await import("./backup.ts");
      return runBackup(folder, to, command.optsWithGlobals(), tell);
    });
  ledger
    .command("restore")
    .description("make a ledger out of a backup, held against what is published and what witnesses saw")
    .argument("<from>", "the backup")
    .argument("<folder>", "a new or an empty folder")
    .option("--publish <dir...>", "where it publishes from now on: places that are left, and empty folders")
    .option(
      "--postgres <file>",
      "where the store shall be, or was restored already, in place of what the backup says: a file of settings",
    )
    .option("--counter <file>", "keep the counter of what was signed there, best on another file system")
    .option(
      "--for-reading",
      "also an older backup than what is published: without keys, so that nothing is signed by it",
    )
    .action(async (from: string, folder: string, _options, command: Command) => {
      const { runRestore } = await import("./backup.ts");
      return runRestore(from, folder, command.optsWithGlobals(), tell);
    });
  ledger
    .command("upgrade")
    .description("bring the store of an older Coldseal up to this one, after a backup")
    .argument("<folder>", "the ledger")
    .requiredOption(
      "--backup <dir>",
      "a new or an empty folder, for a backup before; on PostgreSQL `none`, where there is one of the servers",
    )
    .action(async (folder: string, _options, command: Command) => {
      const { runUpgrade } = await import("./backup.ts");
      return runUpgrade(folder, command.optsWithGlobals(), tell);
    });
}
