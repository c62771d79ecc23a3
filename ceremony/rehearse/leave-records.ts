/** What a rehearsal leaves in a folder for people to look at: each ceremony's script, its record and its signed transcript. */

import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { readCeremonyFile } from "../engine/ceremony-file.ts";
import { recordName } from "../engine/records-folder.ts";
import { scriptLines } from "../paper/script-text.ts";
import { transcriptLines } from "../paper/transcript-text.ts";
import { procedureOf } from "../procedures/registry.ts";
import type { Rehearsed } from "./rehearse.ts";

/** Writes `NAME.script.txt`, `NAME.record.txt` and `NAME.p7m` into `out`; gives the name. Refuses as `verifyTranscript`. */
export async function leaveRecords(out: string, { file: path, transcript }: Rehearsed): Promise<string> {
  const file = readCeremonyFile(path);
  const procedure = procedureOf(file);
  const name = recordName(file);
  const signed = readFileSync(transcript);
  const verified = await verifyTranscript(nodeHost, ownOids(procedure.arc), signed);
  await mkdir(out, { recursive: true });
  await writeFile(join(out, `${name}.script.txt`), page(scriptLines(file, procedure)));
  await writeFile(
    join(out, `${name}.record.txt`),
    page(transcriptLines(verified.transcript, verified.digest, verified.signers)),
  );
  await writeFile(join(out, `${name}.p7m`), signed);
  return name;
}

function page(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
