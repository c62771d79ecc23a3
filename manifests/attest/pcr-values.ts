/** Values of PCRs: what extends them (TPM 2.0 Library, part 3, TPM2_PCR_Extend), and the digest of several that a quote holds (part 2, TPMS_QUOTE_INFO). */

import { concat } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import type { PcrBank } from "./tpm-algorithms.ts";

/** What a PCR holds after a digest of its bank was extended into it. */
export function extended(host: Host, bank: PcrBank, before: Uint8Array, digest: Uint8Array): Promise<Uint8Array> {
  return host.digest(bank, concat([before, digest]));
}

/** Over the values in the order of their indices, by the digest of the quote's signature: SHA-256 here. */
export function pcrDigestOf(host: Host, values: readonly Uint8Array[]): Promise<Uint8Array> {
  return host.digest("sha256", concat(values));
}
