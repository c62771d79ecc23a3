/** Enrolling a box's TPM: a credential for its attestation key, made for its endorsement key, is taken out by the TPM that has both, or by none. */

import { randomBytes } from "node:crypto";
import { nodeHost } from "../../host/crypto-host.ts";
import type { DeviceRecord } from "../../manifests/attest/device-record.ts";
import { nameOf, readPublicArea } from "../../manifests/attest/public-area.ts";
import { base64, equal, hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { TpmPlace } from "./connection.ts";
import { readActivateAnswer, readLookAnswer } from "./job.ts";
import { makeCredential } from "./make-credential.ts";
import { askTpm } from "./tpm-process.ts";

/** Makes the attestation key where the handle is free. Seconds for each of the two talks with the TPM. */
const patience = 60;

export interface Enrolling {
  readonly place: TpmPlace;
  /** persistent handle of the attestation key */
  readonly handle: number;
  readonly appliance: string;
  readonly now: Utc;
}

/**
 * Proves that the key at the handle lives in the TPM of the endorsement key, and says so in a record. Refuses TPM-GONE, TPM-FAULT, also where the
 * credential cannot be taken out, QUOTE-KEY what is no attestation key.
 */
export async function enrolDevice({ appliance, handle, now, place }: Enrolling): Promise<DeviceRecord> {
  const looked = readLookAnswer(await askTpm(place, { job: "look", handle }, patience), "the TPM's answer");
  const { attestation, endorsement } = looked;
  // The Name is computed here: what the credential is bound to is the public area that goes into the record.
  const name = await nameOf(nodeHost, attestation.publicArea);
  const { spki } = readPublicArea(endorsement.publicArea);
  const secret = new Uint8Array(randomBytes(32));
  const made = makeCredential(spki, Uint8Array.fromHex(name), secret);
  const job = {
    job: "activate",
    blob: base64(made.blob),
    endorsement: endorsement.kind as "ecc" | "rsa",
    handle,
    secret: base64(made.secret),
  } as const;
  const answer = readActivateAnswer(await askTpm(place, job, patience), "the TPM's answer");
  if (!equal(answer.secret, secret)) {
    throw new Refusal("TPM-FAULT", "the TPM took another secret out of the credential", {
      expected: "the one that was put in",
    });
  }
  return {
    ak: { name, public: base64(attestation.publicArea), qualifiedName: hex(attestation.qualifiedName) },
    appliance,
    ek: {
      certificate: endorsement.certificate && base64(endorsement.certificate),
      public: base64(endorsement.publicArea),
    },
    enrolled: now,
    handle,
    manufacturer: looked.manufacturer,
    through: "device" in place ? "device" : "socket",
    type: "device",
    version: 1,
  };
}
