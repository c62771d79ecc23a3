/** `npm run page -- FILE`: writes the page into a new file. Only wires. */

import { endingRefusal, exitStatus, refusalLines } from "../../host/terminal/refusal-lines.ts";
import { writeNew } from "../new-files.ts";
import { pageOf } from "./build.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: npm run page -- coldseal-verify.html\n");
  process.exitCode = 2;
} else {
  try {
    await writeNew(file, await pageOf());
    process.stdout.write(`Written: ${file}. It verifies without a network, in any browser of today.\n`);
  } catch (fault) {
    const refusal = endingRefusal(fault);
    process.stderr.write(`${refusalLines(refusal, "the page was not written").join("\n")}\n`);
    process.exitCode = exitStatus[refusal.kind];
  }
}
