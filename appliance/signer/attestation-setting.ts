/** `signer.json`'s member `attestation`: how the box says what runs on it. Left out, it says nothing. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type DeviceRecord, deviceRecordLimit, readDeviceRecord } from "../../manifests/attest/device-record.ts";
import { pcrBanks, pcrCount } from "../../manifests/attest/tpm-algorithms.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import {
  flag,
  integer,
  list,
  literal,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
} from "../../manifests/encoding/shape.ts";
import type { Host } from "../../manifests/host.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

const path = text(4096);

const readTpmSetting = object({
  bank: oneOf(pcrBanks),
  /** device.json, which `ceremony enrol-device` wrote */
  device: path,
  kind: literal("tpm"),
  /** the kernel's logs, to be kept with each quote */
  logs: object({ event: optional(path), ima: optional(path) }),
  pcrs: list(integer(0, pcrCount - 1), 1, pcrCount),
  /** nothing is sealed without a quote; otherwise a manifest without one says why, and is labelled `self-reported` */
  required: flag,
  /** how long the TPM may take */
  seconds: integer(1, 300),
  /** `device`, or `socket`: SIMULATED, a program in the place of a TPM */
  tpm: object({ device: optional(path), socket: optional(path) }),
});

const readSelfReportedSetting = object({ kind: literal("self-reported") });

export type TpmSetting = Read<typeof readTpmSetting>;
export type AttestationSetting = TpmSetting | Read<typeof readSelfReportedSetting>;

/** Refuses SHAPE, also PCRs that do not ascend, and a TPM at no place or two. */
export const readAttestationSetting: Reader<AttestationSetting> = (value, at) => {
  if ((value as { readonly kind?: Json } | null)?.kind === "self-reported") return readSelfReportedSetting(value, at);
  const setting = readTpmSetting(value, at);
  if (setting.pcrs.some((pcr, index) => index > 0 && pcr <= (setting.pcrs[index - 1] as number))) {
    throw new Refusal("SHAPE", `${at}.pcrs: expected each once, ascending`);
  }
  if ((setting.tpm.device === undefined) === (setting.tpm.socket === undefined)) {
    throw new Refusal("SHAPE", `${at}.tpm: expected either a device or a socket`);
  }
  return setting;
};

/** With paths from the configuration's folder. */
export function attestationAt(setting: AttestationSetting, folder: string): AttestationSetting {
  if (setting.kind === "self-reported") return setting;
  const at = (members: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(members).map(([name, one]) => [name, resolve(folder, one)]));
  return { ...setting, device: resolve(folder, setting.device), logs: at(setting.logs), tpm: at(setting.tpm) };
}

/** The record of the box's TPM. Refuses CONFIG where it cannot be read, or is another box's. */
export async function deviceOf(host: Host, setting: TpmSetting, appliance: string): Promise<DeviceRecord> {
  let record: DeviceRecord;
  try {
    record = await readDeviceRecord(
      host,
      new Uint8Array(readFileSync(setting.device)).subarray(0, deviceRecordLimit + 1),
    );
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", "the record of the box's TPM cannot be read");
    throw new Refusal("CONFIG", message, {
      expected: "device.json, as `ceremony enrol-device` writes it",
      about: setting.device,
      cause: fault,
    });
  }
  if (record.appliance === appliance) return record;
  const detail = { expected: appliance, got: record.appliance, about: setting.device };
  throw new Refusal("CONFIG", "the record is of another appliance's TPM", detail);
}
