/** The commands that answer people's questions. */

import type { Command } from "commander";

/** Adds them to `ledger`. */
export function addAnswerCommands(ledger: Command): void {
  ledger
    .command("list")
    .description("the boxes and how far their chains go; with a box, what was pinned of it and its manifests")
    .argument("<folder>", "the ledger")
    .argument("[box]", "name of its appliance, or the first digits of its genesis digest")
    .option("--from <number>", "the first manifest to list (default: so that the last ones are)")
    .action(async (folder: string, box: string | undefined, _options, command: Command) => {
      const { runList } = await import("./list.ts");
      return runList(folder, box, command.optsWithGlobals());
    });

  ledger
    .command("show")
    .description("all that is here of one manifest's number")
    .argument("<folder>", "the ledger")
    .argument("<box>", "name of its appliance, or the first digits of its genesis digest")
    .argument("<number>")
    .action(async (folder: string, box: string, number: string, _options, command: Command) => {
      const { runShow } = await import("./show.ts");
      return runShow(folder, box, number, command.optsWithGlobals());
    });

  ledger
    .command("gaps")
    .description("which manifests are missing, since when and why, and which are in dispute")
    .argument("<folder>", "the ledger")
    .argument("[box]", "name of its appliance, or the first digits of its genesis digest")
    .action(async (folder: string, box: string | undefined, _options, command: Command) => {
      const { runGaps } = await import("./gaps.ts");
      return runGaps(folder, box, command.optsWithGlobals());
    });

  ledger
    .command("find")
    .description("was this file sealed: by which box, when, in which mode, on whose approval, does it still count")
    .argument("<folder>", "the ledger")
    .argument("<file>", "the document, or its digest in hex")
    .option("--crl <file...>", "CRLs of your own, beside those that came in with bundles")
    .option("--ocsp <file...>", "OCSP responses of your own")
    .option("--from <n>", "where more than 1,000 seals are here: the first that is told (default: 1)")
    .action(async (folder: string, file: string, _options, command: Command) => {
      const { runFind } = await import("./find.ts");
      return runFind(folder, file, command.optsWithGlobals());
    });

  ledger
    .command("records")
    .description(
      "what is here of a box beside its manifests: refusals, closings, transcripts, custody logs, decisions, orders",
    )
    .argument("<folder>", "the ledger")
    .argument("<box>", "name of its appliance, or the first digits of its genesis digest")
    .option(
      "--type <type>",
      "only these: refusal, closing, transcript, custody, decision, continuity, reseal, revoked-key",
    )
    .option("--entry <n>", "all of the record with this entry of the log")
    .option("--to <dir>", "with --entry: a folder for the record's file and the proof that it is in the log")
    .action(async (folder: string, box: string, _options, command: Command) => {
      const { runRecords } = await import("./records.ts");
      return runRecords(folder, box, command.optsWithGlobals());
    });

  ledger
    .command("emergencies")
    .description(
      "what was sealed in emergencies: by which box, who declared them, why, how much, and whether they were closed",
    )
    .argument("<folder>", "the ledger")
    .argument("[box]", "name of its appliance, or the first digits of its genesis digest")
    .action(async (folder: string, box: string | undefined, _options, command: Command) => {
      const { runEmergencies } = await import("./emergencies.ts");
      return runEmergencies(folder, box, command.optsWithGlobals());
    });

  ledger
    .command("report")
    .description(
      "write what the ledger has as one HTML file, with plots: volume, modes, age of the queue, time to acknowledgement",
    )
    .argument("<folder>", "the ledger")
    .requiredOption("--to <file>", "a new file")
    .option("--from <day>", "the first day, like 2026-11-01 (default: that of the first manifest)")
    .option("--to-date <day>", "the last day (default: today)")
    .action(async (folder: string, _options, command: Command) => {
      const { runReport } = await import("./report.ts");
      return runReport(folder, command.optsWithGlobals());
    });

  ledger
    .command("reconcile")
    .description(
      "hold seals in manifests against what the signer and the HSM counted, and against documents and seals at the desk",
    )
    .argument("<folder>", "the ledger")
    .argument("[box]", "name of its appliance, or the first digits of its genesis digest")
    .option("--desk <dir...>", "folders of the desk: documents, batches, collected answers")
    .option("--journal <file>", "the signer's journal, as `ceremony --json journal --limit 1000000` prints it")
    .option("--hsm-log <file>", "what the HSM counted, in the form of docs/formats.md")
    .action(async (folder: string, box: string | undefined, _options, command: Command) => {
      const { runReconcile } = await import("./reconcile.ts");
      return runReconcile(folder, box, command.optsWithGlobals());
    });

  ledger
    .command("proven")
    .description("check by itself that a record is in a log: its file, the proof, and the log's key")
    .argument("<proof>", "log-NNNN.json, as `records --to` writes it")
    .argument("<record>", "the record's file")
    .requiredOption("--log <key>", "the log's verifier key")
    .option("--witness <key...>", "verifier keys of witnesses")
    .option("--cosigned <n>", "how many of them must have cosigned (default: all)")
    .action(async (proof: string, record: string, _options, command: Command) => {
      const { runProven } = await import("./records.ts");
      return runProven(proof, record, command.optsWithGlobals());
    });
}
