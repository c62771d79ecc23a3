/** The command line of `ceremony`: what can be asked, with which options. Acting is `Actions`' matter. */

import { Argument, Command, InvalidArgumentError } from "commander";
import { versionText } from "../host/version.ts";
import { documentationArc } from "../manifests/encoding/oid.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { BatchRecordOptions } from "./batch-record.ts";
import { shells } from "./completion.ts";
import type { CustodySheetOptions } from "./custody-sheet.ts";
import { enrolCommand } from "./device/enrol-command.ts";
import type { EnrolOptions } from "./device/enrol-device.ts";
import type { PrintOptions } from "./give-paper.ts";

export interface GlobalOptions {
  readonly as?: string;
  readonly json?: boolean;
  readonly pinFd?: number;
}

/** One method a command. */
export interface Actions {
  status(): Promise<void>;
  list(all: boolean): Promise<void>;
  show(batch: string, documents: boolean): Promise<void>;
  watch(batch: string): Promise<void>;
  approve(batches: readonly string[], watch: boolean): Promise<void>;
  reject(batch: string, reason: string): Promise<void>;
  withdraw(batch: string, reason: string): Promise<void>;
  abort(batch: string, reason: string): Promise<void>;
  unlock(shares: readonly string[]): Promise<void>;
  checkShares(files: readonly string[]): Promise<void>;
  lock(): Promise<void>;
  suspend(reason: string): Promise<void>;
  exportBatch(batch: string, to: string | undefined): Promise<void>;
  exportAudit(to: string | undefined): Promise<void>;
  import(): Promise<void>;
  journal(from: number, limit: number): Promise<void>;
  verifyJournal(): Promise<void>;
  script(file: string, options: PrintOptions): Promise<void>;
  ready(file: string, printer: string | undefined): Promise<void>;
  dryRun(file: string, options: { readonly alone?: boolean; readonly out?: string }): Promise<void>;
  hold(file: string): Promise<void>;
  abandon(file: string): Promise<void>;
  record(path: string, options: PrintOptions): Promise<void>;
  batchRecord(folder: string, options: BatchRecordOptions): Promise<void>;
  custodySheet(path: string, options: CustodySheetOptions): Promise<void>;
  rehearse(out: string, name: string | undefined): Promise<void>;
  enrolDevice(options: EnrolOptions): Promise<void>;
  completion(shell: string): void;
  /** names for the shell's completion, one a line; never fails loudly */
  batchNames(): Promise<void>;
}

/** Ways to do the wrong thing print the usage; `run` gives the actions once the global options are known. */
export function ceremonyProgram(actions: Actions): Command {
  const program = new Command("ceremony")
    .description("What people do at the box: look, approve, reject, unlock, export, and hold key ceremonies.")
    .option("--as <file>", "operator.json: who you are (or the environment's COLDSEAL_OPERATOR)")
    .option("--json", "print one JSON document on stdout; questions and texts go to stderr")
    .option("--pin-fd <n>", "read the PIN from this descriptor, for scripts", descriptor)
    .version(`ceremony ${versionText()}`, "--version", "print the version")
    .addHelpText("after", exitCodes)
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  looking(program, actions);
  deciding(program, actions);
  running(program, actions);
  holding(program, actions);
  recording(program, actions);
  enrolCommand(program, (options) => actions.enrolDevice(options));
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

const exitCodes = `
Exit codes: 0 done, 1 refused (the code is printed), 2 wrong use, 3 not possible now
(locked, HSM gone), 4 verification failed.`;

function looking(program: Command, actions: Actions): void {
  program
    .command("status")
    .description("is the box well: token, clock, network, journal, batches")
    .action(() => actions.status());
  program
    .command("list")
    .description("the batches that are here, and what each waits for")
    .option("--all", "also those that ended")
    .action((options: { all?: boolean }) => actions.list(options.all === true));
  program
    .command("show")
    .description("one batch: who, what, how much, digest as words, approvals")
    .addArgument(batchArgument())
    .option("--documents", "every document with its full name")
    .action((batch: string, options: { documents?: boolean }) => actions.show(batch, options.documents === true));
  program
    .command("watch")
    .description("follow a batch to its end")
    .addArgument(batchArgument())
    .action((batch: string) => actions.watch(batch));
}

function deciding(program: Command, actions: Actions): void {
  program
    .command("approve")
    .description("approve batches, one after another; without names all that wait for you")
    .addArgument(new Argument("[batch...]", "folder name, batch id, or the first hex digits of the batch digest"))
    .option("--watch", "follow the batches to their end afterwards")
    .action((batches: string[], options: { watch?: boolean }) => actions.approve(batches, options.watch === true));
  program
    .command("reject")
    .description("end a batch for good, with a reason that goes out with the refusal")
    .addArgument(batchArgument())
    .requiredOption("--reason <text>", "why, in a sentence", reason)
    .action((batch: string, options: { reason: string }) => actions.reject(batch, options.reason));
  program
    .command("withdraw")
    .description("take back your own approval, while the quorum is not complete")
    .addArgument(batchArgument())
    .option("--reason <text>", "why, in a sentence", reason, "withdrawn by the operator")
    .action((batch: string, options: { reason: string }) => actions.withdraw(batch, options.reason));
  program
    .command("abort")
    .description("stop a batch that is authorised or being sealed, between two documents")
    .addArgument(batchArgument())
    .requiredOption("--reason <text>", "why, in a sentence", reason)
    .action((batch: string, options: { reason: string }) => actions.abort(batch, options.reason));
}

function running(program: Command, actions: Actions): void {
  program
    .command("unlock")
    .description("log the signer in to its token, with the box's PIN or by shares of it")
    .option("--share <file...>", "holders' shares, as many as the split's threshold")
    .action((options: { share?: string[] }) => actions.unlock(options.share ?? []));
  program
    .command("share-check")
    .description("prove shares without unlocking: signed by the box, of the split in force, and they open")
    .argument("<file...>", "holders' shares")
    .action((files: string[]) => actions.checkShares(files));
  program
    .command("lock")
    .description("log the signer out")
    .action(() => actions.lock());
  program
    .command("suspend")
    .description("stop the box at once, as one officer alone; a quorum resumes it")
    .requiredOption("--reason <text>", "why, in a sentence", reason)
    .action((options: { reason: string }) => actions.suspend(options.reason));
  program
    .command("export")
    .description("write the answer to a batch again, or all unacknowledged manifests")
    .argument("[batch]", "folder name, batch id, the first hex digits of the batch digest, or its manifest's number")
    .option("--audit", "the manifests that the keeper has not acknowledged")
    .option("--to <dir>", "a folder instead of the stick")
    .action((batch: string | undefined, options: { audit?: boolean; to?: string }) => {
      if (options.audit === true && batch === undefined) return actions.exportAudit(options.to);
      if (options.audit !== true && batch !== undefined) return actions.exportBatch(batch, options.to);
      throw new Refusal("USAGE", "say what to export", {
        expected: "export BATCH, or export --audit",
        got: batch === undefined ? "neither" : "both",
      });
    });
  program
    .command("import")
    .description("take in what lies in control/in of the stick")
    .action(() => actions.import());
  program
    .command("journal")
    .description("print journal rows")
    .option("--from <n>", "first row", positive, 1)
    .option("--limit <n>", "how many rows", positive, 100)
    .action((options: { from: number; limit: number }) => actions.journal(options.from, options.limit));
  program
    .command("verify-journal")
    .description("check every row of the journal and say its head")
    .action(() => actions.verifyJournal());
  program
    .command("completion")
    .description("print a script for the shell: source <(ceremony completion bash)")
    .addArgument(new Argument("<shell>").choices(shells))
    .action((shell: string) => actions.completion(shell));
  program.command("batch-names", { hidden: true }).action(() => actions.batchNames());
}

const printOption = ["--print <dir>", "write it there, as PDF and as text"] as const;
const lpOption = ["--lp <printer>", "give the PDF to CUPS"] as const;
const reprintOption = [
  "--reprint <n>",
  "say on each page that it is printed again, for the n-th time",
  positive,
] as const;

function holding(program: Command, actions: Actions): void {
  const file = () => new Argument("<file>", "the ceremony file that was reviewed (docs/formats.md)");
  program
    .command("script")
    .description("a ceremony's script: who acts, who looks on, boxes to tick, blanks")
    .addArgument(file())
    .option(...printOption)
    .option(...lpOption)
    .option(...reprintOption)
    .action((path: string, options: PrintOptions) => actions.script(path, options));
  program
    .command("ready")
    .description(
      "days before: is everything there that the file asks for? tokens, PIN tries, shares, certificates, stick",
    )
    .addArgument(file())
    .option(...lpOption)
    .action((path: string, options: { lp?: string }) => actions.ready(path, options.lp));
  program
    .command("dry-run")
    .description("hold it on throw-away tokens, from the reviewed file, with the same code")
    .addArgument(file())
    .option("--alone", "nobody types: made-up answers")
    .option("--out <dir>", "leave script, record and transcript there")
    .action((path: string, options: { alone?: boolean; out?: string }) => actions.dryRun(path, options));
  program
    .command("hold")
    .description("hold a ceremony, or go on with one that was interrupted")
    .addArgument(file())
    .action((path: string) => actions.hold(path));
  program
    .command("abandon")
    .description("end an interrupted ceremony for good, with a reason")
    .addArgument(file())
    .action((path: string) => actions.abandon(path));
  program
    .command("record")
    .description("show a ceremony's transcript and check its chain and signatures")
    .argument("<path>", "a transcript (.p7m), or the folder of a ceremony's record")
    .option(...printOption)
    .option(...lpOption)
    .option(...reprintOption)
    .action((path: string, options: PrintOptions) => actions.record(path, options));
  program
    .command("rehearse")
    .description("hold every ceremony with made-up people; leaves scripts, records and transcripts")
    .argument("[name]", "hold this one with people typing; those before it are held by made-up people")
    .requiredOption("--out <dir>", "a new folder")
    .action((name: string | undefined, options: { out: string }) => actions.rehearse(options.out, name));
}

function recording(program: Command, actions: Actions): void {
  program
    .command("batch-record")
    .description("verify a batch's answer and print its record: slip, approvals, digests, documents, lines for ink")
    .argument("<folder>", "outbox/BATCH, sealed or aborted")
    .requiredOption("--ca <file>", "root certificate (PEM or DER) that you trust")
    .option("--genesis <digest>", "digest of the genesis policy, in hex: the quorum no longer rests on the box's word")
    .option("--documents <dir>", "the documents (default: inbox/BATCH/documents on the same stick)")
    .option("--arc <oid>", "the arc of the organisation's object identifiers", documentationArc)
    .option(...printOption)
    .option(...lpOption)
    .option(...reprintOption)
    .action((folder: string, options: BatchRecordOptions) => actions.batchRecord(folder, options));
  program
    .command("custody-sheet")
    .description("check a custody log and print it: who holds what, each hand-over, its head, lines for ink")
    .argument("<log>", "a custody log, custody.jsonl")
    .option(
      "--transcripts <dir>",
      "signed transcripts or records, which name witnesses (default: those beside the log)",
    )
    .option(...printOption)
    .option(...lpOption)
    .option(...reprintOption)
    .action((path: string, options: CustodySheetOptions) => actions.custodySheet(path, options));
}

function batchArgument(): Argument {
  return new Argument(
    "<batch>",
    "folder name, batch id, the first hex digits of the batch digest, or its manifest's number",
  );
}

function reason(text: string): string {
  if (text.trim() === "" || text.length > 500) throw new InvalidArgumentError("expected 1 to 500 characters");
  return text;
}

function positive(text: string): number {
  if (!/^[1-9][0-9]{0,14}$/.test(text)) throw new InvalidArgumentError("expected a whole number from 1");
  return Number(text);
}

function descriptor(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError("expected the number of an open descriptor");
  return Number(text);
}
