/** The commands below `coldseal ledger`. Only parses and wires; what a command needs is loaded when it is that command. */

import type { Command } from "commander";

/**
 * Adds them to `ledger`, the command that desk/main.ts has for them. `tell` takes what has been done so far, for the refusal that may end the program.
 */
export function addLedgerCommands(ledger: Command, _tell: (consequence: string) => void): void {
  ledger
    .command("init")
    .description("make a ledger: a folder with an empty log")
    .argument("<folder>", "a new or an empty folder")
    .requiredOption("--origin <name>", "the log's name for ever, like ledger.example.org/boxes")
    .option(
      "--publish <dir...>",
      "empty folders to publish in, on two file systems (default: one, within the ledger's)",
    )
    .option("--append-only", "have their file systems keep what is published (chattr; as root)")
    .action(async (folder: string, _options, command: Command) => {
      const { runInit } = await import("./commands/init.ts");
      return runInit(folder, command.optsWithGlobals());
    });

  ledger
    .command("verify")
    .description("hold every row, tile, checkpoint and published file against what was appended; says what differs")
    .argument("<folder>", "the ledger")
    .option("--log <key>", "the log's verifier key: then every checkpoint must be signed by it")
    .option("--witness <key...>", "with --log: verifier keys of witnesses")
    .option("--cosigned <n>", "with --log: how many of them must have cosigned (default: all)")
    .action(async (folder: string, _options, command: Command) => {
      const { runVerify } = await import("./commands/verify.ts");
      return runVerify(folder, command.optsWithGlobals());
    });
}
