/** The audit key's signature under a ceremony's transcript, beside those of the people. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { type VerifiedTranscript, verifyTranscript } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { signByAudit } from "./manifest.ts";

/**
 * Verifies a transcript that all who were there with a token signed, a quorum of this box's policy among them, journals its digest, and gives it back with the audit
 * key's signature too; as it is where that is there already. The journal row is durable on return. Refuses TRANSCRIPT
 * (another box's, or one that does not verify), CMS codes, LOCKED, HSM codes.
 */
export async function countersign(box: Box, p7m: Uint8Array): Promise<Uint8Array> {
  const { oids } = box.policies;
  const verified = await verifyTranscript(box.host, oids, p7m);
  const { transcript, digest, auditCertificate } = verified;
  const { appliance, archive, ceremony, outcome, run } = transcript;
  if (appliance !== box.facts.appliance) {
    throw new Refusal("TRANSCRIPT", "the transcript is another box's", {
      expected: box.facts.appliance,
      got: appliance,
    });
  }
  checkPeople(box, verified);
  if (auditCertificate) {
    if (equal(auditCertificate, box.keys.audit.certificate)) return p7m;
    throw new Refusal("TRANSCRIPT", "the transcript bears the audit signature of another key");
  }
  box.lockbox.check();
  box.record("ceremony", { archive, ceremony, digest, outcome, run });
  const data = readSignedData(p7m);
  const content = data.content as Uint8Array;
  const signed = await signByAudit(box, box.keys.audit, oids.transcript, content, now(box), []);
  return mergeSignedData([data, readSignedData(signed)]);
}

/** What the audit key stands for is a ceremony of this box's people: as many of them signed as a policy needs. */
function checkPeople({ policies }: Box, { transcript, signers }: VerifiedTranscript): void {
  const { people, thresholds } = policies.inForce.policy;
  const signed = transcript.people.filter(({ id }) => signers.includes(id)).map(({ certificate }) => certificate);
  const known = people.filter(({ certificates }) => certificates.some((der) => signed.includes(hex(sha256(der)))));
  if (known.length >= thresholds.policy) return;
  throw new Refusal("TRANSCRIPT", "too few of the policy's people signed the transcript", {
    expected: `${thresholds.policy} of ${people.map(({ id }) => id).join(", ")}`,
    got: known.map(({ id }) => id).join(", ") || "nobody",
  });
}
