/**
 * The log of Linux's Integrity Measurement Architecture, `binary_runtime_measurements` (kernel: security/integrity/ima/ima_fs.c): a line for each file
 * that was measured, extended into one PCR. Banks other than SHA-1 hold digests of the lines' own bytes from Linux 5.8 on; what older
 * kernels extended is not understood.
 */

import { hashBytes } from "../cms/suite.ts";
import { equal } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { logLimit } from "./event-log.ts";
import { LogBytes } from "./little-endian.ts";
import { extended } from "./pcr-values.ts";
import type { PcrBank } from "./tpm-algorithms.ts";

/** CONFIG_IMA_MEASURE_PCR_IDX, unless a kernel was built with another. */
export const imaPcr = 10;

const longestName = 64;

/** After how many bytes of the log PCR 10 has the value that is wanted: lines that came later are no part of the quote. Undefined where it never has. Refuses QUOTE-FORM. */
export async function coveredByIma(
  host: Host,
  bytes: Uint8Array,
  bank: PcrBank,
  wanted: Uint8Array,
): Promise<number | undefined> {
  const log = new LogBytes(bytes, "the IMA log");
  if (bytes.length > logLimit) throw log.refuse(`it is longer than ${logLimit} bytes`);
  let value: Uint8Array = new Uint8Array(hashBytes[bank]);
  while (!log.ended) {
    if (equal(value, wanted)) return log.at;
    value = await extended(host, bank, value, await lineDigest(host, log, bank));
  }
  return equal(value, wanted) ? log.at : undefined;
}

/** A line: PCR, SHA-1 of the data, name of the template, data. A file that changed while it was measured has zeros for its SHA-1, and ones extend it. */
async function lineDigest(host: Host, log: LogBytes, bank: PcrBank): Promise<Uint8Array> {
  const pcr = log.u32();
  if (pcr !== imaPcr) throw log.refuse(`a line is about PCR ${pcr}, not ${imaPcr}`);
  const sha1 = log.take(20);
  const name = log.take(shortLength(log));
  // The oldest template, "ima", has no length before its data, and another digest.
  if (name.length === 3) throw log.refuse("a line has the template ima, which SHA-1 alone knows");
  const data = log.take(log.u32());
  if (sha1.every((octet) => octet === 0)) return new Uint8Array(hashBytes[bank]).fill(0xff);
  return host.digest(bank, data);
}

function shortLength(log: LogBytes): number {
  const length = log.u32();
  if (length === 0 || length > longestName) throw log.refuse("a line's template has no name, or a long one");
  return length;
}
