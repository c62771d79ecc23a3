/** What a rehearsal leaves in a folder for people to look at: each ceremony's script, its record and its signed transcript. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { readCeremonyFile } from "../engine/ceremony-file.ts";
import { recordName } from "../engine/records-folder.ts";
import { writePaper } from "../paper/print.ts";
import { endOf, recordPaper } from "../paper/record-paper.ts";
import { scriptPaper } from "../paper/script-paper.ts";
import { procedureOf } from "../procedures/registry.ts";
import type { Rehearsed } from "./rehearse.ts";

/** Writes `NAME.script` and `NAME.record`, as PDF and text, and `NAME.p7m` into `out`; gives the name. Refuses as `verifyTranscript`. */
export async function leaveRecords(out: string, { file: path, transcript: signedPath }: Rehearsed): Promise<string> {
  const file = readCeremonyFile(path);
  const procedure = procedureOf(file);
  const name = recordName(file);
  const signed = readFileSync(signedPath);
  const { transcript, digest, signers } = await verifyTranscript(nodeHost, ownOids(procedure.arc), signed);
  await writePaper(out, `${name}.script`, scriptPaper(file, procedure), file.scheduled);
  await writePaper(out, `${name}.record`, recordPaper(transcript, digest, signers), endOf(transcript));
  await writeDurable(join(out, `${name}.p7m`), signed);
  return name;
}
