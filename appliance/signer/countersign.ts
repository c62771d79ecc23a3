/** The audit key's signature under a ceremony's transcript, beside those of the people. */

import { readSignedData } from "../../manifests/cms/read.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { signByAudit } from "./manifest.ts";

/**
 * Verifies a transcript that all who were there with a token signed, journals its digest, and gives it back with the audit
 * key's signature too; as it is where that is there already. The journal row is durable on return. Refuses TRANSCRIPT
 * (another box's, or one that does not verify), CMS codes, LOCKED, HSM codes.
 */
export async function countersign(box: Box, p7m: Uint8Array): Promise<Uint8Array> {
  const { oids } = box.policies;
  const { transcript, digest, signers } = await verifyTranscript(box.host, oids, p7m);
  const { appliance, archive, ceremony, outcome, run } = transcript;
  if (appliance !== box.facts.appliance) {
    throw new Refusal("TRANSCRIPT", "the transcript is another box's", {
      expected: box.facts.appliance,
      got: appliance,
    });
  }
  if (signers.includes("audit")) return p7m;
  box.lockbox.check();
  box.record("ceremony", { archive, ceremony, digest, outcome, run });
  const data = readSignedData(p7m);
  const content = data.content as Uint8Array;
  const signed = await signByAudit(box, box.keys.audit, oids.transcript, content, now(box), []);
  return mergeSignedData([data, readSignedData(signed)]);
}
