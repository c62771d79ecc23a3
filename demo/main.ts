/**
 * `npm run demo [-- --out DIR]`: the whole main job with real processes, real tokens and the real command lines, on a
 * test box. Simulated are the stick and the keeper's stick (folders) and the HSM (SoftHSM tokens); it says so.
 */

import { copyFile, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { readCeremonyFile } from "../ceremony/engine/ceremony-file.ts";
import type { BoxPaths } from "../ceremony/provision/layout.ts";
import { leaveRecords } from "../ceremony/rehearse/leave-records.ts";
import { type RehearsedBox, rehearsedBox } from "../ceremony/rehearse/rehearsed-box.ts";
import type { Slip } from "../desk/slip.ts";
import { exactSize } from "../host/terminal/amounts.ts";
import { endingRefusal, exitStatus, refusalLines } from "../host/terminal/refusal-lines.ts";
import { makeDocuments } from "./documents.ts";
import { type Box, startBox } from "./launcher.ts";
import { acknowledge, bringIn, type DemoLedger, find, makeLedger, prove } from "./ledger.ts";
import { checkBundle, type OpensslCheck } from "./openssl.ts";
import { approve, asOperator, submit, succeeded, unlockByShares } from "./people.ts";
import { linesOf, runCommand } from "./run-command.ts";
import { good, Story, tell, wordLines } from "./story.ts";
import { untilWaiting } from "./until-waiting.ts";
import { whatNext } from "./what-next.ts";

const folder = "2026-q4-contracts";

const program = new Command("demo")
  .description("The whole main job of Coldseal on a throw-away test box.")
  .option("--out <dir>", "a new or empty folder where everything is left to look at")
  .action((options: { out?: string }) => demo(options.out));

await program.parseAsync().catch((fault) => {
  const refusal = endingRefusal(fault);
  process.stderr.write(`${refusalLines(refusal, "the demo stopped here").join("\n")}\n`);
  process.exitCode = exitStatus[refusal.kind];
});

async function demo(out: string | undefined): Promise<void> {
  const dir = out === undefined ? await mkdtemp(join(tmpdir(), "coldseal-demo-")) : resolve(out);
  const story = new Story();
  let box: Box | undefined;
  const stop = () => void box?.stop().finally(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    const made = await story.step(
      "A rehearsed genesis by made-up people: token, keys, shares, policy number 1 (SoftHSM stands in for the HSM)",
      () => makeBox(dir),
    );
    const { ledger, paths } = made;
    box = await story.step(
      "Start signer and daemon; intake starts confined: one to look at the stick, a fresh one for each batch",
      () => startBox(paths.dir, { restart: true }),
    );
    await story.step("Unlock the box by two of three shares: its PIN is known to nobody", () => unlockBox(made));
    const slip = await story.step("At the desk: twelve documents onto the stick (a folder stands in for it)", () =>
      bringBatch(paths),
    );
    await story.step("In the box: a private copy, every digest and the submitter's signature checked", () =>
      untilWaiting(paths, slip),
    );
    await story.step("op1 compares the words with the slip and approves", () => firstApproval(paths, slip));
    await story.step("op3 approves: two of three. The HSM's key seals every document", () => lastApproval(paths, slip));
    await story.step("Stop the box: what follows needs no box and no network", async () => box?.stop());
    await story.step("Verify everything with Coldseal's verifier, offline", () => verifyAll(paths));
    await story.step("Verify everything with OpenSSL alone (openssl cms -verify -cades)", () => verifyOpenssl(paths));
    await story.step("Change one byte of one document: both must refuse", () => tamper(paths));
    await story.step("At the connected side: what the box did enters an append-only ledger", async () =>
      tell(...(await bringIn(ledger, paths))),
    );
    await story.step("Its log is signed and published; the acknowledgement goes onto the stick", async () =>
      tell(...(await acknowledge(ledger, paths))),
    );
    await story.step("An auditor asks the ledger whether a file was sealed", async () =>
      tell(...(await find(ledger, join(paths.dir, "documents", "contract-0113.pdf")))),
    );
    await story.step("The seal is in the log: anybody can check that offline, by the log's key", () =>
      verifyInLog(made),
    );
    box = await story.step("The stick goes back into the box, which takes the acknowledgement", () => takeBack(made));
    process.stdout.write(`\n${good(`Done in ${story.elapsed}.`)}\n`);
    if (out !== undefined) process.stdout.write(whatNext(made, folder));
    else process.stdout.write("Everything is removed again. To keep it and play: npm run demo -- --out ./demo-out\n");
  } finally {
    await box?.stop();
    if (out === undefined) await rm(dir, { recursive: true, force: true });
  }
}

interface DemoBox extends RehearsedBox {
  readonly ledger: DemoLedger;
}

async function makeBox(dir: string): Promise<DemoBox> {
  let ledger: DemoLedger | undefined;
  const ofLedger = async (root: RehearsedBox["root"]) => {
    ledger = await makeLedger(dir, root);
    tell("a ledger at the connected side, whose keys the policy will name");
    return ledger.inPolicy;
  };
  const options = { ledger: ofLedger, plainEnvelopes: 7 * 86_400, settleSeconds: 1, scanSeconds: 1 };
  const made = await rehearsedBox(dir, options, {
    say: (line) => {
      if (/^Step /.test(line)) tell(line.replace(/ \(.*\)$/, ""));
    },
  });
  for (const one of made.ceremonies)
    tell(
      `left to look at: ${await leaveRecords(dir, { ...one, file: readCeremonyFile(one.file) })}.script.pdf, .record.pdf, .p7m`,
    );
  tell("genesis policy, SHA-256 in words:", ...wordLines(made.paths.genesis));
  if (!ledger) throw new Error("the genesis asked for no ledger");
  return { ...made, ledger };
}

async function unlockBox(made: RehearsedBox): Promise<void> {
  succeeded(await unlockByShares(made, ["op1", "op3"]), "ceremony unlock");
  tell("op1 and op3 gave their shares; the token's serial, keys and journal head are those that were pinned");
}

async function bringBatch(paths: BoxPaths): Promise<Slip> {
  const documents = join(paths.dir, "documents");
  await makeDocuments(documents);
  const purpose = ["--purpose", "Q4 supplier contracts", "--batch", folder, "--slip", join(paths.dir, "slip.txt")];
  const slip = await submit(paths, [documents], purpose);
  tell(`${slip.count} documents, ${exactSize(slip.bytes)}, signed by ${slip.submitter}`);
  tell("the slip, which goes to the operators on paper, says in words:", ...wordLines(slip.batchDigest));
  return slip;
}

async function firstApproval(paths: BoxPaths, slip: Slip): Promise<void> {
  const [op1] = paths.operators;
  if (!op1) throw new Error("no operator");
  const ran = succeeded(await approve(op1, slip), "ceremony approve");
  tell(...linesOf(ran.transcript));
}

async function lastApproval(paths: BoxPaths, slip: Slip): Promise<void> {
  const op3 = paths.operators[2];
  if (!op3) throw new Error("no operator");
  const ran = succeeded(await approve(op3, slip, { watch: true }), "ceremony approve");
  tell("(the same screen as op1 saw, then)", ...linesOf(ran.transcript).slice(-9));
  tell("the manifest also goes to the keeper's audit stick (another folder)");
}

async function verifyInLog({ ledger, paths }: DemoBox): Promise<void> {
  const bundle = join(paths.stick, "coldseal/outbox", folder);
  const seal = join(bundle, "seals/0000/000002-contract-0113.pdf.p7s");
  const document = join(paths.dir, "documents", "contract-0113.pdf");
  const proof = await prove(ledger, bundle, 2);
  const trusted = ["--ca", paths.pki.root, "--log", ledger.inPolicy.checkpointKey];
  const ran = await runCommand("desk/main.ts", ["verify", seal, document, "--evidence", proof, ...trusted]);
  const { stdout } = succeeded(ran, "coldseal verify");
  tell(...linesOf(stdout).slice(0, 1), ...part(stdout, "log"));
}

async function takeBack(made: RehearsedBox): Promise<Box> {
  const box = await startBox(made.paths.dir, { restart: true });
  await unlockBox(made);
  const [op1] = made.paths.operators;
  if (!op1) throw new Error("no operator");
  tell(...linesOf(succeeded(await asOperator(op1, ["import"]), "ceremony import").stdout));
  tell(...part(succeeded(await asOperator(op1, ["status"]), "ceremony status").stdout, "ledger"));
  return box;
}

/** One part of what was printed: the line that it begins with, and those that go on below its text. */
function part(text: string, name: string): string[] {
  const [first = ""] = new RegExp(`^ {2}${name} .*(?:\\n {10,}.*)*`, "m").exec(text) ?? [];
  return linesOf(first);
}

function verifyArguments(paths: BoxPaths): string[] {
  const bundle = join(paths.stick, "coldseal/outbox", folder);
  return ["verify", bundle, "--ca", paths.pki.root, "--genesis", paths.genesis];
}

async function verifyAll(paths: BoxPaths): Promise<void> {
  const ran = succeeded(await runCommand("desk/main.ts", verifyArguments(paths)), "coldseal verify");
  tell(...linesOf(ran.stdout));
  const [, ...bundle] = verifyArguments(paths);
  const record = await runCommand("ceremony/main.ts", ["batch-record", ...bundle, "--print", paths.dir]);
  tell("the record of the batch, to be signed in ink:", ...linesOf(succeeded(record, "ceremony batch-record").stdout));
}

async function verifyOpenssl(paths: BoxPaths): Promise<void> {
  const checks = await opensslChecks(paths);
  const refused = checks.filter((one) => one.refusal !== undefined);
  for (const one of refused) tell(`REFUSED ${one.file}: ${one.refusal}`);
  if (refused.length > 0) throw new Error(`OpenSSL refuses ${refused.length} of ${checks.length} files`);
  tell(`OpenSSL accepts all ${checks.length} files: request, authorisation, manifest and ${checks.length - 3} seals`);
}

function opensslChecks(paths: BoxPaths): Promise<OpensslCheck[]> {
  const { stick, pki } = paths;
  return checkBundle(
    join(stick, "coldseal/outbox", folder),
    join(stick, "coldseal/inbox", folder, "documents"),
    pki.root,
  );
}

/** Changes a byte of a document on the stick, shows that both verifiers name it, and puts the document back. */
async function tamper(paths: BoxPaths): Promise<void> {
  const name = "minutes of the board.txt";
  const path = join(paths.stick, "coldseal/inbox", folder, "documents", name);
  await flipByte(path);
  const ran = await runCommand("desk/main.ts", verifyArguments(paths));
  const openssl = (await opensslChecks(paths)).filter((one) => one.refusal !== undefined);
  await copyFile(join(paths.dir, "documents", name), path);
  if (ran.status !== 4 || openssl.length !== 1) throw new Error(`a changed byte was not found:\n${ran.stdout}`);
  tell(`coldseal verify: exit code 4; ${linesOf(ran.stdout).find((line) => line.includes(name)) ?? ""}`.trim());
  tell(`openssl: refuses ${openssl[0]?.file}`, "the document was put back as it was");
}

async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const file = await open(path, "r+");
  try {
    await file.write(Uint8Array.of((bytes[10] ?? 0) ^ 1), 0, 1, 10);
  } finally {
    await file.close();
  }
}
