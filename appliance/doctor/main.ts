/** `coldseald doctor`: holds this machine against docs/hardening.md. Changes nothing. */

import { Command, CommanderError } from "commander";
import { refusalLines } from "../../host/terminal/refusal-lines.ts";
import { styleFor } from "../../host/terminal/style.ts";
import { usageRefusal } from "../../host/terminal/usage-refusal.ts";
import { versionText } from "../../host/version.ts";
import { boxChecks } from "./box-checks.ts";
import { examine } from "./check.ts";
import { doctorWords } from "./doctor-words.ts";
import { kernelChecks } from "./kernel-checks.ts";
import { thisSystem } from "./system.ts";

const program = new Command("coldseald")
  .description("the box itself")
  .version(`coldseald ${versionText()}`, "--version", "print the version")
  .exitOverride()
  .configureOutput({ writeErr: () => {} });
program
  .command("doctor")
  .description("is this machine as docs/hardening.md wants it? exit 0: yes; 1: something falls short or cannot be seen")
  .option("--json", "one JSON document on standard output")
  .action(({ json }: { json?: true }) => {
    const findings = examine([...kernelChecks, ...boxChecks], thisSystem);
    const ok = findings.every(({ outcome }) => outcome === "good");
    const lines = json
      ? [JSON.stringify({ ok, findings })]
      : doctorWords(findings, styleFor(process.stdout, process.env));
    process.stdout.write(`${lines.join("\n")}\n`);
    process.exitCode = ok ? 0 : 1;
  });

try {
  program.parse();
} catch (fault) {
  const refusal = fault instanceof CommanderError ? usageRefusal(fault) : undefined;
  if (refusal) {
    process.stderr.write(
      `${refusalLines(refusal, "nothing was changed", styleFor(process.stderr, process.env)).join("\n")}\n`,
    );
    process.exitCode = 2;
  } else if (!(fault instanceof CommanderError)) throw fault;
}
