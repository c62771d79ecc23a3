/** What `ceremony enrol-device` takes. */

import { type Command, InvalidArgumentError } from "commander";
import type { EnrolOptions } from "./enrol-device.ts";

/** In the range that the TCG's Registry of Reserved TPM 2.0 Handles sets aside for keys of the endorsement hierarchy. */
const usualHandle = 0x81010002;

export function enrolCommand(program: Command, enrol: (options: EnrolOptions) => Promise<void>): void {
  program
    .command("enrol-device")
    .description("make an attestation key in the box's TPM, prove that it lives there, and write the device's record")
    .requiredOption("--appliance <id>", "the box, as its policy names it")
    .requiredOption("--to <file>", "the record: a new file, device.json")
    .option("--tpm <device>", "the TPM", "/dev/tpmrm0")
    .option("--socket <path>", "a program in the place of a TPM (swtpm): SIMULATED")
    .option("--handle <n>", "persistent handle of the key; it is made where nothing is there", handleIn, usualHandle)
    .action((options: EnrolOptions) => enrol(options));
}

function handleIn(text: string): number {
  const handle = /^0x81[0-9a-f]{6}$/.test(text) ? Number(text) : undefined;
  if (handle === undefined) throw new InvalidArgumentError("expected a persistent handle, 0x81000000 to 0x81ffffff");
  return handle;
}
