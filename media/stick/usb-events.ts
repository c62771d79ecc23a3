/**
 * A process that prints a line whenever a USB device is plugged in or pulled out, and ends when its input closes. What it
 * was is read elsewhere, from the kernel's tree; here is only native code of others, which may fall without taking the
 * mount helper with it.
 */

import { usb } from "usb";

process.stdin.on("close", () => process.exit(0)).resume();
// Before anything is listened for: where there is no USB, or it may not be seen, listening throws past every handler.
await usb.getDevices();
for (const event of ["connect", "disconnect"] as const) {
  usb.addEventListener(event, () => process.stdout.write(`${event}\n`));
}
process.stdout.write("listening\n");
