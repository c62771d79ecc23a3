/** Papers to files, and to a printer where one is named. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Paper, textOf } from "./page.ts";
import { pdfOf } from "./pdf.ts";

/** Writes `OUT/NAME.pdf` and `OUT/NAME.txt`, durably; gives their paths. `created` is UTC. Refuses STORE. */
export async function writePaper(
  out: string,
  name: string,
  paper: Paper,
  created: string,
): Promise<{ readonly pdf: string; readonly text: string }> {
  await makeFolder(out, 0o755);
  const paths = { pdf: join(out, `${name}.pdf`), text: join(out, `${name}.txt`) };
  await writeDurable(paths.pdf, await pdfOf(paper, created));
  await writeDurable(paths.text, utf8(textOf(paper)));
  return paths;
}

/** Hands a PDF to CUPS. Refuses PRINTER, saying what `lp` said. */
export async function printFile(printer: string, path: string): Promise<void> {
  const child = spawn("lp", ["-d", printer, "-o", "media=A4", "--", path], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text: Buffer) => {
    said += text.toString("utf8").slice(0, 500);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new Refusal("PRINTER", "lp does not start", { expected: "CUPS' lp", cause })),
    );
    child.once("close", resolve);
  });
  if (status === 0) return;
  throw new Refusal("PRINTER", "the printer did not take it", {
    expected: "a printer that `lp -d` knows",
    got: said.trim(),
    about: printer,
  });
}
