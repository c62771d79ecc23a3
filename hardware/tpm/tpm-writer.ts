/** Writes the TPM's structures: big-endian numbers, sized buffers (TPM 2.0 Library, part 2, TPM2B), selections of PCRs. */

import { type PcrBank, pcrCount, tpmAlgorithm } from "../../manifests/attest/tpm-algorithms.ts";
import { concat } from "../../manifests/encoding/bytes.ts";

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** TPM2B */
export function sized(bytes: Uint8Array): Uint8Array {
  return concat([u16(bytes.length), bytes]);
}

export const empty = sized(new Uint8Array(0));

/** TPML_PCR_SELECTION of one bank. */
export function selection(bank: PcrBank, pcrs: readonly number[]): Uint8Array {
  const bits = new Uint8Array(pcrCount / 8);
  for (const pcr of pcrs) bits[pcr >> 3] = (bits[pcr >> 3] as number) | (1 << (pcr & 7));
  return concat([u32(1), u16(tpmAlgorithm[bank]), u8(bits.length), bits]);
}
