/** The commands below `coldseal ledger`. Only parses and wires; what a command needs is loaded when it is that command. */

import type { Command } from "commander";
import { addKeyCommands } from "./commands/key-commands.ts";
import { addWitnessCommands } from "./commands/witness-commands.ts";

/**
 * Adds them to `ledger`, the command that desk/main.ts has for them. `tell` takes what has been done so far, for the refusal that may end the program.
 */
export function addLedgerCommands(ledger: Command, tell: (consequence: string) => void): void {
  ledger
    .command("init")
    .description("make a ledger: a folder with an empty log")
    .argument("<folder>", "a new or an empty folder")
    .requiredOption("--origin <name>", "the log's name for ever, like ledger.example.org/boxes")
    .action(async (folder: string, _options, command: Command) => {
      const { runInit } = await import("./commands/init.ts");
      return runInit(folder, command.optsWithGlobals());
    });
  addKeyCommands(ledger, tell);
  addWitnessCommands(ledger);
}
