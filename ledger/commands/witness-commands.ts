/** The commands below `coldseal ledger witness`. */

import type { Command } from "commander";

export function addWitnessCommands(ledger: Command): void {
  const witness = ledger
    .command("witness")
    .description("a witness of logs: cosigns a checkpoint that holds all of the last");
  witness
    .command("make")
    .description("make a witness's folder with its key, and print its verifier key")
    .argument("<folder>", "not there yet")
    .requiredOption("--name <name>", "of the witness's key, like witness.example.org/w1")
    .requiredOption("--log <vkey...>", "verifier keys of the logs that it watches")
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--port <n>", "where it listens; 0: any that is free", Number, 0)
    .option("--counter <file>", "keep the counter of what was cosigned there, best on another file system")
    .option("--passphrase-fd <n>", "descriptor to read the new passphrase from (else it is asked for)", Number)
    .action(async (folder: string, _options, command: Command) => {
      const { runWitnessMake } = await import("./witness.ts");
      return runWitnessMake(folder, command.optsWithGlobals());
    });
  witness
    .command("run")
    .description("serve until it is told to stop")
    .argument("<folder>")
    .option("--passphrase-fd <n>", "descriptor to read the passphrase from (else it is asked for)", Number)
    .action(async (folder: string, _options, command: Command) => {
      const { runWitness } = await import("./witness.ts");
      return runWitness(folder, command.optsWithGlobals());
    });
  witness
    .command("forward")
    .description("say that a checkpoint is the newest, where the witness stopped because its state may be an older one")
    .argument("<folder>")
    .argument("<file>", "the newest checkpoint with the witness's own cosignature, or a request to cosign it")
    .action(async (folder: string, file: string, _options, command: Command) => {
      const { runWitnessForward } = await import("./witness.ts");
      return runWitnessForward(folder, file, command.optsWithGlobals());
    });
}
