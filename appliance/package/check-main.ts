/** `check-main.ts FOLDER LIST`: holds an unpacked package, or an installed one (FOLDER is then /), against a list of digests that was verified. */

import { readFileSync } from "node:fs";
import { endingRefusal, exitStatus, refusalLines } from "../../host/terminal/refusal-lines.ts";
import { styleFor } from "../../host/terminal/style.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { differences, listOf } from "./check.ts";

try {
  const [folder, list, ...rest] = process.argv.slice(2);
  if (folder === undefined || list === undefined || rest.length > 0) {
    throw new Refusal("USAGE", "say what is checked", {
      expected: "FOLDER files.json",
      got: `${process.argv.length - 2} words`,
    });
  }
  const listed = listOf(readFileSync(list));
  const found = differences(folder, listed);
  const { package: version, software } = listed;
  const good = `coldseal ${version}: ${listed.files.length} files and ${listed.links.length} links are as listed; digest of the software ${software}`;
  process.stdout.write(found.length === 0 ? `${good}\n` : `${found.join("\n")}\n`);
  if (found.length > 0) process.exitCode = exitStatus.verification;
} catch (fault) {
  const refusal = endingRefusal(fault);
  process.stderr.write(
    `${refusalLines(refusal, "nothing was checked", styleFor(process.stderr, process.env)).join("\n")}\n`,
  );
  process.exitCode = exitStatus[refusal.kind];
}
