/**
 * The connected desk's command `coldseal`: make a batch, collect the answers, inspect, verify. Only parses and wires; what a command
 * needs is loaded when it is that command, as loading is most of its start.
 */

import { existsSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { endingRefusal, exitStatus, refusalJson, refusalLines } from "../host/terminal/refusal-lines.ts";
import { styleFor } from "../host/terminal/style.ts";
import { usageRefusal } from "../host/terminal/usage-refusal.ts";
import { versionText } from "../host/version.ts";
import { arcForm, arcLength, documentationArc } from "../manifests/encoding/oid.ts";
import { hashNames, modes } from "../manifests/records/request.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { OpenTokenKey } from "./commands/create.ts";

const exitCodes = `
Exit codes: 0 done, 1 refused (the code is printed), 2 wrong use, 3 not possible now,
4 verification failed.`;

let asked = "";
let consequence = "nothing was changed";
const tell = (text: string) => {
  consequence = text;
};

const program = new Command("coldseal")
  .description("the connected desk: pack documents for the box, fetch and verify what it sealed")
  .configureHelp({ showGlobalOptions: true })
  .addOption(
    new Option("--arc <oid>", "the arc of the organisation's object identifiers")
      .default(documentationArc)
      .argParser(arcIn),
  )
  .option("--json", "one stable JSON document on standard output")
  .version(`coldseal ${versionText()}`, "--version", "print the version")
  .addHelpText("after", exitCodes)
  .configureOutput({ outputError: () => undefined })
  .exitOverride()
  .hook("preSubcommand", (_, command) => {
    asked = command.name();
  });

/** Refuses USAGE what is no object identifier, before anything is copied. */
function arcIn(text: string): string {
  if (arcForm.test(text) && text.length <= arcLength) return text;
  throw new Refusal("USAGE", "--arc expects an object identifier", { expected: `as ${documentationArc}`, got: text });
}

program
  .command("batch")
  .description("batches for the box: batch create")
  .command("create")
  .description("copy documents onto a stick with a signed request beside them, and print the slip")
  .argument("<documents...>", "files, or folders whose files are taken")
  .requiredOption("--to <stick>", "folder where the stick is mounted")
  .option("--key <file>", "your key and certificate as PKCS#12")
  .option("--password-file <file>", "file that holds the PKCS#12 password (else it is asked for)")
  .option("--password-fd <n>", "descriptor that the password (or PIN) is read from")
  .option("--token <file>", "your key on a PKCS#11 token instead: its configuration (docs/operations.md)")
  .option("--purpose <text>", "what the batch is for; operators see it", "not stated")
  .addOption(new Option("--mode <mode>", "mode asked for").choices([...modes]).default("offline"))
  .option("--batch <id>", "batch id (default: date and time)")
  .option("--folder <name>", "folder below coldseal/inbox (default: the batch id in lower case)")
  .option("--expires <when>", "UTC time, or 12h, 7d", "7d")
  .addOption(new Option("--digest <name>", "document digest; the policy's").choices([...hashNames]).default("sha256"))
  .option("--slip <file>", "also write the slip to a file, to print it; not onto the stick")
  .action(async (documents: string[], _options, command: Command) => {
    const { runCreate } = await import("./commands/create.ts");
    return runCreate(documents, command.optsWithGlobals(), openTokenKey, tell);
  });

program
  .command("collect")
  .description("fetch what the box put onto the stick, and say what is missing")
  .argument("<stick>", "folder where the stick is mounted")
  .option("--to <dir>", "where to copy it", "sealed")
  .action(async (stick: string, _options, command: Command) => {
    const { runCollect } = await import("./commands/collect.ts");
    return runCollect(stick, command.optsWithGlobals(), tell);
  });

program
  .command("inspect")
  .description("say what a file is and holds; verifies nothing")
  .argument("<file>")
  .action(async (file: string, _options, command: Command) => {
    const { runInspect } = await import("./commands/inspect.ts");
    return runInspect(file, command.optsWithGlobals());
  });

program
  .command("anchor")
  .description("add evidence of time to a bundle: a time-stamp over all of it, by an authority of yours")
  .argument("<bundle>", "a folder that `coldseal collect` copied")
  .requiredOption("--tsa <url...>", "time-stamp authorities (RFC 3161 over HTTP), asked one after another")
  .requiredOption("--tsa-ca <file...>", "roots (PEM or DER) under which their certificates must be")
  .option("--each", "a time-stamp of each authority, not of the first that answers")
  .option("--renew", "renew what evidence is there, before its authority's certificate ends")
  .addOption(
    new Option("--hash <name>", "with --renew: by another hash, over all documents again").choices([...hashNames]),
  )
  .option("--documents <dir>", "with --hash: the documents, unless they came in plain envelopes")
  .action(async (bundle: string, _options, command: Command) => {
    const { runAnchor } = await import("./commands/anchor.ts");
    return runAnchor(bundle, command.optsWithGlobals(), tell);
  });

program
  .command("evidence")
  .description("take the evidence of time of single documents out of an anchored bundle")
  .argument("<bundle>", "a folder that was anchored")
  .argument("[documents...]", "names or numbers of documents; all unless said")
  .option("--documents <dir>", "the documents, where the evidence was renewed by another hash")
  .requiredOption("--to <dir>", "where the evidence records are written")
  .action(async (bundle: string, documents: string[], _options, command: Command) => {
    const { runEvidence } = await import("./commands/evidence.ts");
    return runEvidence(bundle, documents, command.optsWithGlobals(), tell);
  });

program
  .command("extend")
  .description(
    "write seals with time-stamps in them (CAdES-B-T, B-LT or B-LTA), for whoever gets a document and its seal alone",
  )
  .argument("<seals...>", "seals (.p7s)")
  .requiredOption("--tsa <url...>", "time-stamp authorities (RFC 3161 over HTTP), asked one after another")
  .requiredOption("--tsa-ca <file...>", "roots (PEM or DER) under which their certificates must be")
  .option("--each", "a time-stamp of each authority, not of the first that answers")
  .option("--ca <file...>", "for CAdES-B-LT: roots of the box's CA, with --crl or --ocsp")
  .option("--crl <file...>", "for CAdES-B-LT: CRLs for the paths of the seals and of the authorities")
  .option("--ocsp <file...>", "for CAdES-B-LT: OCSP responses, beside CRLs or in their place; gpgsm reads none")
  .option("--archive", "for CAdES-B-LTA, with those of B-LT: an archive time-stamp over all of it, or one more")
  .addOption(new Option("--hash <name>", "with --archive: its digest; the seal's unless said").choices([...hashNames]))
  .option("--document <file...>", "with --hash: the seals' documents, in any order")
  .requiredOption("--to <dir>", "where the new files are written")
  .action(async (seals: string[], _options, command: Command) => {
    const { runExtend } = await import("./commands/extend.ts");
    return runExtend(seals, command.optsWithGlobals(), tell);
  });

program
  .command("pack")
  .description(
    "write proof containers (ASiC, EN 319 162-1): a batch in one file, or each document with its seal in one",
  )
  .argument("<bundle>", "a folder that `coldseal collect` copied; for one container of all, anchored")
  .argument("[documents...]", "with --each: names or numbers of documents; all unless said")
  .requiredOption("--to <path>", "the new container (FILE.asice); with --each, the folder of containers")
  .option("--documents <dir>", "the documents, unless they came in plain envelopes")
  .option("--each", "a container (.asics) for each document")
  .action(async (bundle: string, documents: string[], _options, command: Command) => {
    const { runPack } = await import("./commands/pack.ts");
    return runPack(bundle, documents, command.optsWithGlobals(), tell);
  });

program
  .command("verify")
  .description(
    "verify a whole outbox/BATCH, one seal with its document, a proof container, or (--chain) all manifests of a box, offline",
  )
  .argument("[path]", "outbox/BATCH, a seal (.p7s), or a container (.asice, .asics); none: the chain alone")
  .argument("[document]", "the document, for one seal")
  .requiredOption("--ca <file>", "root certificate (PEM or DER) that you trust")
  .option("--genesis <digest>", "digest of the genesis policy, in hex: the quorum no longer rests on the box's word")
  .option(
    "--chain <folder>",
    "a folder with audit records or bundles of the box: are they one unbroken chain, and which place in it has outbox/BATCH",
  )
  .option("--documents <dir>", "the documents (default: inbox/BATCH/documents on the same stick)")
  .option(
    "--crl <file...>",
    "CRLs (PEM or DER): then each of the box's certificates below the root needs one of its issuer",
  )
  .option("--ocsp <file...>", "OCSP responses (DER), beside CRLs or in their place")
  .option(
    "--tsa-ca <file...>",
    "roots (PEM or DER) of time-stamp authorities that you trust: then evidence of time counts",
  )
  .option("--device <file>", "record of the box's TPM (device.json): binds the key of the TPM's quotes to that device")
  .option("--log <vkey>", "verifier key of a ledger's log: then proofs that manifest and seal are in it count")
  .option("--witness <vkey...>", "verifier keys of the log's witnesses")
  .option("--cosigned <n>", "how many of these witnesses must have cosigned (default: all)")
  .option(
    "--evidence <file...>",
    "evidence records over one seal and its document (`coldseal evidence` wrote them), and proofs of a log",
  )
  .option("--closing <file...>", "closing records of the emergency that a batch was sealed in")
  .option("--report <file>", "also write the verdict as a report (HTML) into a new file")
  .action(async (path: string | undefined, document: string | undefined, _options, command: Command) => {
    const { runVerify } = await import("./commands/verify.ts");
    return runVerify(path, document, command.optsWithGlobals());
  });

// Not part of what a box gets.
const withLedger = existsSync(new URL("../ledger/main.ts", import.meta.url));
const ledger = program
  .command("ledger", { hidden: !withLedger })
  .description("the append-only ledger of what the boxes did: make it, feed it, ask it");
if (!withLedger) ledger.argument("[words...]").allowUnknownOption().action(refuseLedger);
else if (process.argv.includes("ledger")) (await import("../ledger/main.ts")).addLedgerCommands(ledger, tell);

try {
  await program.parseAsync();
} catch (fault) {
  process.exitCode = end(fault);
}

/** The only way from the desk to hardware. */
async function openTokenKey(...[file, hash, askPin]: Parameters<OpenTokenKey>): ReturnType<OpenTokenKey> {
  const [{ openToken }, { tokenSigner }, tokenKey] = await Promise.all([
    import("../hardware/token.ts"),
    import("../hardware/sign.ts"),
    import("./token-key.ts"),
  ]);
  return tokenKey.openTokenKey(file, hash, askPin, { openToken, tokenSigner });
}

function refuseLedger(): never {
  throw new Refusal("USAGE", "there is no ledger on this machine: it is no part of what a box gets", {
    expected: "a clone of Coldseal on the connected side",
    got: "an installed box",
  });
}

/** Tells what ended the program; its exit status. */
function end(fault: unknown): number {
  const usage = fault instanceof CommanderError ? usageRefusal(fault) : undefined;
  if (fault instanceof CommanderError && !usage) return 0;
  const refusal = usage ?? endingRefusal(fault);
  // What was refused was not verified: scripts that look at the indication find none, and not nothing.
  const unverified = asked === "verify" ? { indication: null } : {};
  if (program.opts().json)
    process.stdout.write(`${JSON.stringify({ ...refusalJson(refusal, consequence), ...unverified })}\n`);
  else
    process.stderr.write(`${refusalLines(refusal, consequence, styleFor(process.stderr, process.env)).join("\n")}\n`);
  return exitStatus[refusal.kind];
}
