/** The transcript of a ceremony that is over: put together from its entries, signed by all who are to sign. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { type SigningKey, signContent } from "../../manifests/cms/sign.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import {
  type Entry,
  readTranscript,
  selfTestDigest,
  type Transcript,
  transcriptBytes,
  verifyTranscript,
} from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "./ceremony-file.ts";
import { transcriptPeople } from "./people.ts";
import type { Procedure } from "./procedure.ts";
import type { RecordFile } from "./record-file.ts";
import { lastTranscript, recordName } from "./records-folder.ts";
import { runningSoftware } from "./self-test.ts";

/** Canonical bytes of the transcript of a record that has ended, read back. Refuses CEREMONY-STATE, TRANSCRIPT, CONFIG. */
export async function composeTranscript(
  procedure: Procedure,
  file: CeremonyFile,
  run: Transcript["run"],
  record: Pick<RecordFile, "entries" | "head">,
): Promise<Uint8Array> {
  const { entries, head } = record;
  const last = entries.at(-1);
  if (last?.kind !== "completed" && last?.kind !== "abandoned") {
    throw new Refusal("CEREMONY-STATE", "the ceremony is not over", { got: last?.kind ?? "no entry" });
  }
  const bytes = transcriptBytes({
    appliance: file.appliance,
    archive: file.archive,
    ceremony: file.ceremony,
    entries: [...entries],
    file: file.digest,
    head,
    outcome: last.kind,
    people: transcriptPeople(file),
    place: file.place,
    previous: lastTranscript(procedure.records, recordName(file)),
    run,
    selfTest: await selfTestDigest(nodeHost, entries[0] as Entry),
    simulated: procedure.simulated,
    software: { ...runningSoftware() },
    title: file.title,
    type: "transcript",
    version: 1,
    video: file.video,
  });
  await readTranscript(nodeHost, bytes);
  return bytes;
}

/** One SignedData over the content with a SignerInfo for each key, verified. Refuses HSM-*, PIN-*, TRANSCRIPT and CMS codes. */
export async function signTranscript(
  arc: string,
  content: Uint8Array,
  keys: readonly SigningKey[],
): Promise<{ readonly p7m: Uint8Array; readonly digest: string }> {
  const oids = ownOids(arc);
  const what = { eContentType: oids.transcript, content, signingTime: utcOf(Date.now()) };
  const signed: Uint8Array[] = [];
  for (const key of keys) signed.push(await signContent(nodeHost, key, what));
  const p7m = mergeSignedData(signed.map((one) => readSignedData(one)));
  await verifyTranscript(nodeHost, oids, p7m);
  return { p7m, digest: hex(sha256(content)) };
}

/** Adds a signature to a transcript that others signed. The same bytes of content; verified. Refuses as `signTranscript`. */
export async function countersignTranscript(arc: string, p7m: Uint8Array, key: SigningKey): Promise<Uint8Array> {
  const oids = ownOids(arc);
  const before = readSignedData(p7m);
  if (!before.content) throw new Refusal("TRANSCRIPT", "the transcript has no content");
  const what = { eContentType: oids.transcript, content: before.content, signingTime: utcOf(Date.now()) };
  const both = mergeSignedData([before, readSignedData(await signContent(nodeHost, key, what))]);
  await verifyTranscript(nodeHost, oids, both);
  return both;
}
