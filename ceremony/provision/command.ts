/** The command line of the provisioning program, and what it prints at its end. */

import { Command, InvalidArgumentError, Option } from "commander";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import type { BoxPaths } from "./layout.ts";
import { type ProvisionOptions, profiles } from "./provision.ts";

/** The program; `make` is called with the folder and the options. */
export function provisionCommand(make: (dir: string, options: BoxOptions) => Promise<void>): Command {
  return new Command("provision")
    .description("Make a complete TEST box: software tokens, test PKI, genesis policy, store, configuration.")
    .argument("<dir>", "a new or empty folder")
    .addOption(new Option("--profile <name>", "how documents are sealed").choices(profiles).default(profiles[0]))
    .addOption(new Option("--audit <kind>", "kind of the audit key").choices(["p256", "rsa-3072"]).default("p256"))
    .option("--operators <n>", "how many operators", whole, 3)
    .option("--threshold <n>", "how many must approve", whole, 2)
    .option("--appliance <name>", "the box's name", "test-box")
    .option("--media <dir>", "folder that stands in for the stick (default: DIR/stick)")
    .option("--keeper <dir>", "folder that stands in for the keeper's stick (default: DIR/keeper)")
    .option("--plain-envelopes <seconds>", "take plain CMS envelopes too, up to so many seconds old", whole)
    .option("--settle-seconds <n>", "how long a batch must not change before it is taken", whole, 2)
    .option("--incomplete-seconds <n>", "how long an incomplete batch is waited for", whole, 600)
    .option("--json", "print where everything lies as JSON")
    .action((dir: string, options: BoxOptions) => make(dir, options))
    .exitOverride();
}

/** What the command line gives: the options of `provision`, and how to print the end. */
export type BoxOptions = ProvisionOptions & { readonly json?: boolean };

/** What was made, for people. It says plainly that this is a test box. `plain`: it takes plain envelopes. */
export function provisionedLines(paths: BoxPaths, plain = false): string[] {
  return [
    "",
    "This is a TEST box. Its mode is test, its tokens are files of SoftHSM, its counter is simulated,",
    "its root key lies beside it. Nothing that it seals is worth more than a test.",
    "",
    `  everything      ${paths.dir}`,
    `  stick           ${paths.stick}`,
    `  test root       ${paths.pki.root}`,
    `  submitter       ${paths.pki.submitterP12} (password beside it)`,
    ...(plain ? [`  plain envelopes ${paths.pki.plainSubmitter} (key beside it)`] : []),
    `  operators       ${paths.operators.map((one) => one.operatorJson).join("\n                  ")}`,
    "                  (each with its PIN beside it)",
    "",
    `Genesis policy, SHA-256: ${paths.genesis}`,
    "in words:",
    ...genesisWords(paths.genesis),
  ];
}

function genesisWords(genesis: string): string[] {
  const cells = wordGroups(fromHex(genesis)).map((group, at) => `${String(at + 1).padStart(4)} ${group}`.padEnd(30));
  return cells.filter((_, at) => at % 2 === 0).map((cell, row) => (cell + cells[row * 2 + 1]).trimEnd());
}

function whole(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}
