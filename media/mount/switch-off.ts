/** Taking a refused USB device its power of doing anything: Linux unbinds every driver of it (`authorized`, Documentation/usb/authorization.rst). */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Plugged } from "../stick/plugged.ts";

/** Whether the kernel took the order. It holds until the device is plugged in again. */
export function switchOff(sys: string, { port }: Plugged): boolean {
  try {
    const path = join(sys, "bus/usb/devices", port, "authorized");
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      return writeSync(descriptor, "0") === 1;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}
