/** A box whose TPM is a key in software, right throughout. */

import type { Attesting } from "../../../appliance/signer/attest.ts";
import { machineSays } from "../../../host/machine.ts";
import { akPublic, bootLog, forgeAttestation, nameHex } from "../../manifests/attest/paper-tpm.ts";

export function paperAttesting(): Attesting {
  const quote = async (nonce: Uint8Array) => ({
    attestation: forgeAttestation(nonce),
    logs: new Map([["event", bootLog] as const]),
  });
  return { machine: machineSays, tpm: { key: nameHex(akPublic()), quote, required: true } };
}
