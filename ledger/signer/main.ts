/** The ledger's signing process for one command: serves over an inherited socket until the other side hangs up. What people read goes to standard error. */

import { Command, Option } from "commander";
import { exitStatus, refusalLines } from "../../host/terminal/refusal-lines.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { asRefusal } from "../../manifests/refusal.ts";
import { type RunOptions, runSigner } from "./run.ts";

const program = new Command("signer")
  .description("signs a ledger's checkpoints and acknowledgements")
  .argument("<folder>", "the signer's folder")
  .addOption(new Option("--arc <oid>", "the arc of the organisation's object identifiers").default(documentationArc))
  .requiredOption("--descriptor <n>", "the socket", Number)
  .option("--passphrase-fd <n>", "descriptor to read the passphrase from", Number)
  .option("--pin-fd <n>", "descriptor to read the token's PIN from", Number)
  .action((folder: string, options: RunOptions) => runSigner(folder, options));

try {
  await program.parseAsync();
} catch (fault) {
  const refusal = asRefusal(fault, "INTERNAL", `a fault in the ledger's signer: ${(fault as Error).message}`);
  process.stderr.write(`${refusalLines(refusal, "nothing was signed").join("\n")}\n`);
  process.exitCode = exitStatus[refusal.kind];
}
