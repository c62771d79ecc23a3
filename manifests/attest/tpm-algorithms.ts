/** Identifiers of algorithms (TCG Algorithm Registry, TPM_ALG_ID) that are read here. */

import type { HashName } from "../cms/suite.ts";

export const tpmAlgorithm = {
  rsa: 0x0001,
  sha1: 0x0004,
  aes: 0x0006,
  sha256: 0x000b,
  sha384: 0x000c,
  sha512: 0x000d,
  null: 0x0010,
  rsassa: 0x0014,
  rsapss: 0x0016,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

/** TPM_ECC_NIST_P256 */
export const tpmP256 = 0x0003;

/** Banks of PCRs that count: SHA-1 does not. */
export const pcrBanks = ["sha256", "sha384", "sha512"] as const satisfies readonly HashName[];
export type PcrBank = (typeof pcrBanks)[number];

/** PCRs of a PC client's TPM (PC Client Platform TPM Profile, "PCR Attributes"). */
export const pcrCount = 24;

export function bankOf(algorithm: number): PcrBank | undefined {
  return pcrBanks.find((bank) => tpmAlgorithm[bank] === algorithm);
}
