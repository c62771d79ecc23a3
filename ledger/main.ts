/** The commands below `coldseal ledger`. Only parses and wires; what a command needs is loaded when it is that command. */

import type { Command } from "commander";
import { addAnswerCommands } from "./commands/answer-commands.ts";
import { addKeyCommands } from "./commands/key-commands.ts";
import { addServeCommands } from "./commands/serve-commands.ts";
import { addStoreCommands } from "./commands/store-commands.ts";
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
    .option(
      "--publish <dir...>",
      "empty folders to publish in, on two file systems (default: one, within the ledger's)",
    )
    .option(
      "--postgres <file>",
      "keep the store on PostgreSQL: a file of settings (docs/ledger.md), copied into the folder",
    )
    .option("--after-backup", "publish nothing before a backup holds it (`coldseal ledger backup`)")
    .option("--append-only", "have their file systems keep what is published (chattr; as root)")
    .action(async (folder: string, _options, command: Command) => {
      const { runInit } = await import("./commands/init.ts");
      return runInit(folder, command.optsWithGlobals());
    });
  addKeyCommands(ledger, tell);
  addStoreCommands(ledger, tell);
  addAnswerCommands(ledger);
  addWitnessCommands(ledger);
  addServeCommands(ledger);

  ledger
    .command("prove")
    .description("write into a bundle the proof that its manifest is in the log; or, into a file, that one document is")
    .argument("<folder>", "the ledger")
    .argument("<bundle>", "outbox/BATCH, or a copy of it")
    .option("--document <index>", "the document of this index, with its manifest")
    .option("--to <file>", "with --document: a new file")
    .action(async (folder: string, bundle: string, _options, command: Command) => {
      const { runProve } = await import("./commands/prove.ts");
      return runProve(folder, bundle, command.optsWithGlobals());
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

  ledger
    .command("enrol")
    .description("pin a box, whose records may come in from then on")
    .argument("<folder>", "the ledger")
    .requiredOption("--ca <file>", "root certificate (PEM or DER) of the box's certificates")
    .requiredOption("--genesis <digest>", "digest of its genesis policy, in hex, as the box printed it")
    .option("--tsa-ca <file...>", "roots (PEM or DER) of time-stamp authorities whose evidence of time counts")
    .option("--keeper <file...>", "certificates (PEM or DER) of those who may sign decisions; two of them decide")
    .option("--gap-hours <hours>", "how long a number may be missing before that alarms", "72")
    .action(async (folder: string, _options, command: Command) => {
      const { runEnrol } = await import("./commands/enrol.ts");
      return runEnrol(folder, command.optsWithGlobals());
    });

  ledger
    .command("ingest")
    .description("verify what boxes left on sticks, and append it; what is here already changes nothing")
    .argument("<folder>", "the ledger")
    .argument("[sticks...]", "folders where sticks are mounted, or that they were copied to")
    .option("--watch <dir>", "in their place: take whatever folder turns up in this one, until told to stop")
    .option("--settle <seconds>", "with --watch: so long nothing in a folder must have changed (5)", Number)
    .action(async (folder: string, sticks: string[], _options, command: Command) => {
      const { runIngest } = await import("./commands/ingest.ts");
      return runIngest(folder, sticks, command.optsWithGlobals(), tell);
    });

  ledger
    .command("decide")
    .description("settle a dispute: write what two keepers are to sign, then take what they signed")
    .argument("<folder>", "the ledger")
    .argument("<box>", "name of its appliance, or the first digits of its genesis digest")
    .argument("<number>", "the manifest's number that is in dispute")
    .option("--keep <digest>", "digest of the manifest that stays, or none")
    .option("--reason <text>", "why; it is kept for ever")
    .option("--to <file>", "the new file that keepers sign")
    .option("--signed <file...>", "the keepers' signatures (CMS, DER)")
    .action(async (folder: string, box: string, number: string, _options, command: Command) => {
      const { runDecide } = await import("./commands/decide.ts");
      return runDecide(folder, box, number, command.optsWithGlobals());
    });

  ledger
    .command("anchor")
    .description("evidence of time, by time-stamp authorities, for every manifest and every seal that waits for it")
    .argument("<folder>", "the ledger")
    .option("--tsa <url...>", "addresses of authorities (RFC 3161), asked one after another; they stay set")
    .option("--tsa-ca <file...>", "roots (PEM or DER) of these authorities; they stay set")
    .option("--alarm-hours <hours>", "how long a manifest may wait before that alarms (24 unless set)")
    .option("--renew-days <days>", "so long before a certificate or a hash ends a renewal is due (60 unless set)")
    .option("--hash-ends <name=date...>", "until when a hash is taken to hold, like sha256=2035-12-31")
    .option("--wait <seconds>", "longest wait for one authority (30)")
    .option("--renew", "first renew what is due")
    .option("--all", "with --renew: all of it")
    .option("--give-up", "with --renew: what does not hold any more has lapsed, and what it is over waits anew")
    .option("--hash <name>", "with --renew: by another hash, over all that it is over anew")
    .action(async (folder: string, _options, command: Command) => {
      const { runAnchor } = await import("./commands/anchor.ts");
      return runAnchor(folder, command.optsWithGlobals(), tell);
    });

  ledger
    .command("queue")
    .description("what waits for evidence of time and why, what has to be renewed, and which clocks disagree")
    .argument("<folder>", "the ledger")
    .option("--seen", "you looked at the conflicts of clocks: they stay shown, and alarm no more")
    .action(async (folder: string, _options, command: Command) => {
      const { runQueue } = await import("./commands/queue.ts");
      return runQueue(folder, command.optsWithGlobals());
    });

  ledger
    .command("take")
    .description(
      "all that is done with a stick: ingest, publish, acknowledge, ask for time; and hand over one document",
    )
    .argument("<folder>", "the ledger")
    .argument("<sticks...>", "folders where the sticks are mounted")
    .option("--tsa <url...>", "time-stamp authorities, asked one after another; kept")
    .option("--tsa-ca <file...>", "their roots (PEM or DER); kept")
    .option("--document <file>", "a document, or its digest in hex: its seal, time and proof are written to --to")
    .option("--to <dir>", "with --document: a folder")
    .option("--passphrase-fd <n>", "descriptor to read the passphrase from (else it is asked for)", Number)
    .option("--pin-fd <n>", "descriptor to read the PIN from, where keys are on a token (else it is asked for)", Number)
    .action(async (folder: string, sticks: string[], _options, command: Command) => {
      const { runTake } = await import("./commands/take.ts");
      return runTake(folder, sticks, command.optsWithGlobals(), tell);
    });

  ledger
    .command("evidence")
    .description("write evidence of time: for a box, into a bundle, or with one seal")
    .argument("<folder>", "the ledger")
    .argument("[box]", "name of its appliance, or the first digits of its genesis digest")
    .option("--stick <dir>", "the box's stick: NUMBER.ers in coldseal/control/in")
    .option("--bundle <dir>", "a bundle (outbox/BATCH): evidence/NNNN.ers")
    .option("--document <file>", "a document, or its digest in hex: what is handed over with its seal, to --to")
    .option("--to <dir>", "with --document: a folder")
    .option("--number <number>", "of the manifest, where another than the newest or the only one is meant")
    .action(async (folder: string, box: string | undefined, _options, command: Command) => {
      const { runEvidence } = await import("./commands/evidence.ts");
      return runEvidence(folder, box, command.optsWithGlobals());
    });
}
