/** A quote (TPMS_ATTEST with TPM_ST_ATTEST_QUOTE; TPM 2.0 Library, part 2), and the signature over it (TPMT_SIGNATURE). */

import { ecdsaFromRaw } from "../cms/ecdsa.ts";
import type { SuiteName } from "../cms/suite.ts";
import { concat, hex } from "../encoding/bytes.ts";
import { bankOf, type PcrBank, pcrCount, tpmAlgorithm } from "./tpm-algorithms.ts";
import { TpmReader } from "./tpm-reader.ts";

/** Most bytes of a quote, and of a signature; they have about 150 and 70 to 400. */
export const quoteLimit = 1024;

/** "\xffTCG": only the TPM itself begins what a restricted key signs so. */
const magic = 0xff544347;
const attestQuote = 0x8018;

export interface Quote {
  /** qualified Name of the key that signed it, hex */
  readonly qualifiedSigner: string;
  /** what whoever asked wanted in it */
  readonly nonce: Uint8Array;
  /** milliseconds that the TPM counted; how often it was reset and restarted since it was cleared; whether the clock can have gone back */
  readonly clock: {
    readonly milliseconds: bigint;
    readonly resets: number;
    readonly restarts: number;
    readonly safe: boolean;
  };
  /** of the TPM, by its maker's counting, hex */
  readonly firmware: string;
  readonly bank: PcrBank;
  /** ascending */
  readonly pcrs: readonly number[];
  /** over their values, one after another, by the digest of the signature */
  readonly pcrDigest: Uint8Array;
}

/** Reads a quote over PCRs of one bank. Refuses QUOTE-FORM, also none or other than one selection, and one without PCRs. */
export function readQuote(bytes: Uint8Array): Quote {
  const reader = new TpmReader(bytes, "the quote");
  if (bytes.length > quoteLimit)
    throw reader.refuse("it is too long", `at most ${quoteLimit} bytes`, `${bytes.length}`);
  const begins = reader.u32();
  if (begins !== magic) throw reader.refuse("the TPM did not make it", "0xff544347", `0x${begins.toString(16)}`);
  const type = reader.u16();
  if (type !== attestQuote) throw reader.refuse("another attestation", "0x8018", `0x${type.toString(16)}`);
  const qualifiedSigner = hex(reader.sized(66));
  const nonce = reader.sized(64);
  const clock = { milliseconds: reader.u64(), resets: reader.u32(), restarts: reader.u32(), safe: yesNo(reader) };
  const firmware = hex(reader.take(8));
  const selection = readSelection(reader);
  const pcrDigest = reader.sized(64);
  reader.finish();
  return { qualifiedSigner, nonce, clock, firmware, ...selection, pcrDigest };
}

/** TPML_PCR_SELECTION with one TPMS_PCR_SELECTION. */
function readSelection(reader: TpmReader): Pick<Quote, "bank" | "pcrs"> {
  const count = reader.u32();
  if (count !== 1) throw reader.refuse("it is not over one bank of PCRs", "1", `${count}`);
  const algorithm = reader.u16();
  const bank = bankOf(algorithm);
  if (!bank) throw reader.refuse("PCRs of another bank", "SHA-256, SHA-384 or SHA-512", `0x${algorithm.toString(16)}`);
  const octets = reader.u8();
  if (octets !== pcrCount / 8) throw reader.refuse("another number of PCRs", `${pcrCount / 8} octets`, `${octets}`);
  const bits = reader.take(octets);
  const pcrs = Array.from({ length: pcrCount }, (_, at) => at).filter(
    (at) => ((bits[at >> 3] as number) >> (at & 7)) & 1,
  );
  if (pcrs.length === 0) throw reader.refuse("it is over no PCR", "at least one", "none");
  return { bank, pcrs };
}

function yesNo(reader: TpmReader): boolean {
  const value = reader.u8();
  if (value > 1) throw reader.refuse("neither yes nor no", "0 or 1", `${value}`);
  return value === 1;
}

export interface TpmSignature {
  readonly suite: SuiteName;
  /** in CMS form */
  readonly signature: Uint8Array;
}

/** Reads a signature by SHA-256: RSASSA, RSAPSS, or ECDSA of P-256. Refuses QUOTE-FORM. */
export function readTpmSignature(bytes: Uint8Array): TpmSignature {
  const reader = new TpmReader(bytes, "the quote's signature");
  if (bytes.length > quoteLimit)
    throw reader.refuse("it is too long", `at most ${quoteLimit} bytes`, `${bytes.length}`);
  const algorithm = reader.u16();
  const suite = suites[algorithm];
  if (!suite) throw reader.refuse("another algorithm", "RSASSA, RSAPSS or ECDSA", `0x${algorithm.toString(16)}`);
  const hash = reader.u16();
  if (hash !== tpmAlgorithm.sha256) throw reader.refuse("another digest", "SHA-256", `0x${hash.toString(16)}`);
  const signature = algorithm === tpmAlgorithm.ecdsa ? readEcdsa(reader) : reader.sized(384);
  reader.finish();
  return { suite, signature };
}

const suites: Readonly<Record<number, SuiteName>> = {
  [tpmAlgorithm.rsassa]: "rsa-pkcs1-sha256",
  [tpmAlgorithm.rsapss]: "rsa-pss-sha256",
  [tpmAlgorithm.ecdsa]: "ecdsa-p256-sha256",
};

/** r and s, each as long as it is, or padded. */
function readEcdsa(reader: TpmReader): Uint8Array {
  const raw = [reader.sized(32), reader.sized(32)].map((number) => {
    const padded = new Uint8Array(32);
    padded.set(number, 32 - number.length);
    return padded;
  });
  return ecdsaFromRaw("ecdsa-p256", concat(raw));
}
