/** `npm run page -- FILE`: writes the page into a new file. Only wires. */

import { writeFile } from "node:fs/promises";
import { Refusal } from "../../manifests/refusal.ts";
import { pageOf } from "./build.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: npm run page -- coldseal-verify.html\n");
  process.exitCode = 2;
} else {
  try {
    await writeFile(file, await pageOf(), { flag: "wx" });
    process.stdout.write(`Written: ${file}. It verifies without a network, in any browser of today.\n`);
  } catch (fault) {
    const why = fault instanceof Refusal || fault instanceof Error ? fault.message : "a fault";
    process.stderr.write(`The page was not written: ${why}\n`);
    process.exitCode = 1;
  }
}
