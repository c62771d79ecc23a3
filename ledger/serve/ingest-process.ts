/**
 * The ingest of what a client sent, as a process of its own: what parses foreign records is not in the process that holds the service's key, and readers do not wait for it.
 * `ingest-process.ts LEDGER FOLDER`; standard output has what `coldseal ledger ingest --json` has.
 */

import { endingRefusal, exitStatus, refusalJson } from "../../host/terminal/refusal-lines.ts";
import { runIngest } from "../commands/ingest.ts";

const [ledger = "", folder = ""] = process.argv.slice(2);
let consequence = "nothing was taken";
try {
  await runIngest(ledger, [folder], { json: true }, (said) => {
    consequence = said;
  });
} catch (fault) {
  const refusal = endingRefusal(fault);
  process.stdout.write(`${JSON.stringify(refusalJson(refusal, consequence))}\n`);
  process.exitCode = exitStatus[refusal.kind];
}
