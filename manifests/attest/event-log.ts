/**
 * The firmware's event log in its crypto-agile form (TCG PC Client Platform Firmware Profile, "Event Logging"), as Linux gives it in
 * `binary_bios_measurements`: replayed, it gives the values of PCRs. What the events' texts say is not held against their digests.
 */

import { hashBytes } from "../cms/suite.ts";
import { equal, utf8 } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { LogBytes } from "./little-endian.ts";
import { extended } from "./pcr-values.ts";
import { type PcrBank, pcrCount, tpmAlgorithm } from "./tpm-algorithms.ts";

/** Most bytes of a log, of the firmware's or of IMA's; a PC's has some 20 to 200 KiB. */
export const logLimit = 1 << 20;

/** EV_NO_ACTION: not extended. */
const noAction = 3;
const mostAlgorithms = 16;

/**
 * What each PCR that the log names holds after all of its events. Refuses QUOTE-FORM a log that is longer than `logLimit`, is not crypto-agile, has
 * no digests of the bank, or does not hold together.
 */
export async function replayEventLog(
  host: Host,
  bytes: Uint8Array,
  bank: PcrBank,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const log = new LogBytes(bytes, "the event log");
  if (bytes.length > logLimit) throw log.refuse(`it is longer than ${logLimit} bytes`);
  const sizes = readHeader(log);
  if (sizes.get(tpmAlgorithm[bank]) !== hashBytes[bank]) throw log.refuse(`it has no digests of the bank ${bank}`);
  const pcrs = new Map<number, Uint8Array>();
  let startup = 0;
  while (!log.ended) {
    const { digests, event, pcr, type } = readEvent(log, sizes);
    if (type === noAction) {
      startup = startupLocality(event) ?? startup;
      continue;
    }
    const before = pcrs.get(pcr) ?? initial(bank, pcr, startup);
    pcrs.set(pcr, await extended(host, bank, before, digestOf(log, digests, bank)));
  }
  return pcrs;
}

/** TCG_PCClientPCREvent with TCG_EfiSpecIDEvent: algorithms of the digests in all events after it, and their lengths. */
function readHeader(log: LogBytes): ReadonlyMap<number, number> {
  const [pcr, type] = [log.u32(), log.u32()];
  const digest = log.take(20);
  const end = log.u32() + log.at;
  const signature = log.take(16);
  const isSpec = equal(signature, specId) && pcr === 0 && type === noAction && digest.every((octet) => octet === 0);
  if (!isSpec) throw log.refuse("it is not of the crypto-agile form: it does not begin with Spec ID Event03");
  log.take(4 + 1 + 1 + 1 + 1); // platformClass, minor, major, errata, uintnSize
  const count = log.u32();
  if (count < 1 || count > mostAlgorithms) throw log.refuse("it names no algorithms, or too many");
  const sizes = new Map<number, number>();
  for (let at = 0; at < count; at++) {
    const algorithm = log.u16();
    const size = log.u16();
    if (size < 20 || size > 64 || sizes.has(algorithm))
      throw log.refuse("it names algorithms twice, or impossible ones");
    sizes.set(algorithm, size);
  }
  log.take(log.u8()); // vendorInfo
  if (log.at !== end) throw log.refuse("its first event has another length than it says");
  return sizes;
}

interface LoggedEvent {
  readonly pcr: number;
  readonly type: number;
  readonly digests: ReadonlyMap<number, Uint8Array>;
  readonly event: Uint8Array;
}

/** TCG_PCR_EVENT2. */
function readEvent(log: LogBytes, sizes: ReadonlyMap<number, number>): LoggedEvent {
  const [pcr, type] = [log.u32(), log.u32()];
  if (pcr >= pcrCount) throw log.refuse("it names a PCR that there is not");
  const count = log.u32();
  if (count > mostAlgorithms) throw log.refuse("an event has too many digests");
  const digests = new Map<number, Uint8Array>();
  for (let at = 0; at < count; at++) {
    const algorithm = log.u16();
    const size = sizes.get(algorithm);
    if (size === undefined || digests.has(algorithm))
      throw log.refuse("an event has a digest twice, or one that was not named");
    digests.set(algorithm, log.take(size));
  }
  return { pcr, type, digests, event: log.take(log.u32()) };
}

function digestOf(log: LogBytes, digests: LoggedEvent["digests"], bank: PcrBank): Uint8Array {
  const digest = digests.get(tpmAlgorithm[bank]);
  if (digest) return digest;
  throw log.refuse(`an event lacks its digest of the bank ${bank}`);
}

/** What a PCR holds when the machine starts (PC Client Platform TPM Profile, "PCR Attributes"): PCR 0 knows from which locality the TPM was started. */
function initial(bank: PcrBank, pcr: number, startup: number): Uint8Array {
  const value = new Uint8Array(hashBytes[bank]).fill(pcr >= 17 && pcr <= 22 ? 0xff : 0);
  if (pcr === 0) value[value.length - 1] = startup;
  return value;
}

/** TCG_EfiStartupLocalityEvent. */
function startupLocality(event: Uint8Array): number | undefined {
  if (event.length !== 17 || !equal(event.subarray(0, 16), startupId)) return undefined;
  return event[16];
}

const specId = utf8("Spec ID Event03\0");
const startupId = utf8("StartupLocality\0");
