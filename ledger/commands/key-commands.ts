/** The commands for the ledger's keys and signer, and for what is signed. */

import { type Command, Option } from "commander";

/** `tell` takes what has been done so far. */
export function addKeyCommands(ledger: Command, tell: (consequence: string) => void): void {
  const passphrase = "descriptor to read the passphrase from (else it is asked for)";
  const pin = "descriptor to read the PIN from, where keys are on a token (else it is asked for)";
  ledger
    .command("keys")
    .description("make the ledger's keys, where there are none; take a certificate; say what there is")
    .argument("<folder>", "the ledger's")
    .option("--organization <name>", "whose keys they are, for the certificate that is asked for")
    .addOption(
      new Option("--key <kind>", "the acknowledgement key: P-256 or RSA").choices(["p256", "rsa-3072"]).default("p256"),
    )
    .option("--certificate <file>", "the certificate of the acknowledgement key (PEM or DER)")
    .option("--counter <file>", "keep the counter of what was signed there, best on another file system")
    .option("--module <file>", "make them on a token: its PKCS#11 module, by an absolute path")
    .option("--token <uri>", "with --module: the token, with its serial (pkcs11:token=ledger;serial=…)")
    .option("--environment <name=value...>", "with --module: what its environment must be, like SOFTHSM2_CONF=FILE")
    .option("--passphrase-fd <n>", passphrase, Number)
    .option("--pin-fd <n>", pin, Number)
    .action(async (folder: string, _options, command: Command) => {
      const { runKeys } = await import("./keys.ts");
      return runKeys(folder, command.optsWithGlobals(), tell);
    });
  ledger
    .command("signer")
    .description(
      "serve the ledger's signer until it is told to stop; else each command that signs asks for the passphrase",
    )
    .argument("<folder>", "the ledger's")
    .option("--passphrase-fd <n>", passphrase, Number)
    .option("--pin-fd <n>", pin, Number)
    .action(async (folder: string, _options, command: Command) => {
      const { runSignerCommand } = await import("./keys.ts");
      return runSignerCommand(folder, command.optsWithGlobals());
    });
  ledger
    .command("forward")
    .description("say that a checkpoint is the newest, where the signer stopped because its state may be an older one")
    .argument("<folder>", "the ledger's")
    .argument("[file]", "the newest checkpoint that the ledger ever signed")
    .option("--none-signed", "say that none ever was, in the place of <file>")
    .action(async (folder: string, file: string | undefined, _options, command: Command) => {
      const { runForward } = await import("./keys.ts");
      return runForward(folder, file, command.optsWithGlobals());
    });
  ledger
    .command("publish")
    .description("sign what is stored, have it cosigned, and publish it")
    .argument("<folder>", "the ledger's")
    .option("--passphrase-fd <n>", passphrase, Number)
    .option("--pin-fd <n>", pin, Number)
    .action(async (folder: string, _options, command: Command) => {
      const { runPublish } = await import("./publish.ts");
      return runPublish(folder, command.optsWithGlobals(), tell);
    });
  ledger
    .command("acknowledge")
    .description("publish what is stored, then write each box's acknowledgement onto sticks that go back to it")
    .argument("<folder>", "the ledger's")
    .argument("<sticks...>", "folders where the sticks are mounted")
    .option("--box <name>", "only this one: name of its appliance, or the first digits of its genesis digest")
    .option("--passphrase-fd <n>", passphrase, Number)
    .option("--pin-fd <n>", pin, Number)
    .action(async (folder: string, sticks: string[], _options, command: Command) => {
      const { runAcknowledge } = await import("./acknowledge.ts");
      return runAcknowledge(folder, sticks, command.optsWithGlobals(), tell);
    });
}
