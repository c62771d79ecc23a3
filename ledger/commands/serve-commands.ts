/** The command that serves the ledger over HTTP. */

import type { Command } from "commander";

export function addServeCommands(ledger: Command): void {
  ledger
    .command("serve")
    .description("serve tiles, checkpoints and proofs to everybody; search and upload to clients with a certificate")
    .argument("<folder>", "the ledger, with serve.json in it")
    .option("--plain", "without TLS, on loopback alone: for readers, or behind a proxy")
    .action(async (folder: string, _options, command: Command) => {
      const { runServe } = await import("./serve.ts");
      return runServe(folder, command.optsWithGlobals());
    });
}
