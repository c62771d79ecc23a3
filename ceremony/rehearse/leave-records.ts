/** What a rehearsal leaves in a folder for people to look at: each ceremony's script, its record and its signed transcript; the custody sheet. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { lastOf, readCustodySheet, sheetName } from "../custody-sheet.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import { namedCertificates } from "../engine/named-certificates.ts";
import { recordName } from "../engine/records-folder.ts";
import { custodyPaper } from "../paper/custody-paper.ts";
import { writePaper } from "../paper/print.ts";
import { endOf, recordOf } from "../paper/record-paper.ts";
import { scriptPaper } from "../paper/script-paper.ts";
import { procedureOf } from "../procedures/registry.ts";

/** Writes `NAME.script` and `NAME.record`, as PDF and text, and `NAME.p7m` into `out`; gives the name. Refuses as `verifyTranscript`. */
export async function leaveRecords(
  out: string,
  { file, transcript: signedPath }: { readonly file: CeremonyFile; readonly transcript: string },
): Promise<string> {
  const procedure = procedureOf(file);
  const name = recordName(file);
  const signed = readFileSync(signedPath);
  const verified = await verifyTranscript(nodeHost, ownOids(procedure.arc), signed);
  await writePaper(out, `${name}.script`, scriptPaper(file, procedure, namedCertificates(file)), file.scheduled);
  await writePaper(out, `${name}.record`, recordOf(verified), endOf(verified.transcript));
  await writeDurable(join(out, `${name}.p7m`), signed);
  return name;
}

/** Writes the custody sheet of a box's log, as PDF and text, into `out`. Refuses as `readCustodySheet`. */
export async function leaveCustodySheet(out: string, log: string): Promise<void> {
  const sheet = await readCustodySheet(log);
  await writePaper(out, sheetName(sheet), custodyPaper(sheet), lastOf(sheet.log).time);
}
