/** A signed transcript from a file, or from the folder of a ceremony's record, verified. */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../host/crypto-host.ts";
import { readSignedData } from "../manifests/cms/read.ts";
import { documentationArc, ownOids } from "../manifests/encoding/oid.ts";
import { readTranscript, type VerifiedTranscript, verifyTranscript } from "../manifests/records/transcript.ts";
import { Refusal } from "../manifests/refusal.ts";
import { transcriptName } from "./engine/records-folder.ts";

/** The arc is that of the transcript's type itself. Refuses STORE, and as `verifyTranscript`. */
export async function verifiedTranscript(path: string): Promise<VerifiedTranscript> {
  const signed = readFrom(path);
  const { eContentType, content } = readSignedData(signed);
  if (!content) throw new Refusal("TRANSCRIPT", "the transcript has no content");
  await readTranscript(nodeHost, content);
  const arc = eContentType.replace(/\.\d+$/, "");
  return verifyTranscript(nodeHost, ownOids(arc || documentationArc), signed);
}

function readFrom(path: string): Uint8Array {
  try {
    return readFileSync(statSync(path).isDirectory() ? join(path, transcriptName) : path);
  } catch (cause) {
    throw new Refusal("STORE", "there is no signed transcript", {
      expected: "a .p7m file, or the folder of a record",
      about: path,
      cause,
    });
  }
}
