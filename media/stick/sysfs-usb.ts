/** The USB devices that are plugged in, by the kernel's word: `/sys/bus/usb/devices`. */

import { join } from "node:path";
import { Refusal } from "../../manifests/refusal.ts";
import { sysBytes, sysNames, sysNumber, sysText } from "./sysfs-file.ts";
import { descriptorsLimit, readUsbDescriptors, type UsbDescriptors } from "./usb-descriptors.ts";

export interface UsbDevice {
  /** the place that it is plugged in, such as `1-2.3` */
  readonly port: string;
  /** counts up with every device that is plugged into the bus: another number is another plugging */
  readonly device: number;
  /** printable ASCII of at most 126 characters, or null */
  readonly serial: string | null;
  /** or why they cannot be read */
  readonly descriptors: UsbDescriptors | Refusal;
}

/** A device's name in the kernel's tree; interfaces are `1-2:1.0`, host controllers `usb1`. */
export const portName = /^[0-9]{1,3}-[0-9]{1,3}(?:\.[0-9]{1,3}){0,6}$/;

/** All devices but the host controllers; undefined when the machine has no USB. Devices that go away meanwhile are left out. */
export function usbDevices(sys: string): readonly UsbDevice[] | undefined {
  const folder = join(sys, "bus/usb/devices");
  return sysNames(folder)
    ?.filter((name) => portName.test(name))
    .map((port) => usbDevice(join(folder, port), port))
    .filter((one) => one !== undefined);
}

function usbDevice(folder: string, port: string): UsbDevice | undefined {
  const device = sysNumber(join(folder, "devnum"));
  const bytes = sysBytes(join(folder, "descriptors"), descriptorsLimit + 1);
  if (device === undefined || bytes === undefined) return undefined;
  const serial = sysText(join(folder, "serial"), 126);
  return { port, device, serial: serial === undefined || serial === "" ? null : serial, descriptors: described(bytes) };
}

function described(bytes: Uint8Array): UsbDescriptors | Refusal {
  try {
    return readUsbDescriptors(bytes);
  } catch (fault) {
    if (fault instanceof Refusal) return fault;
    throw fault;
  }
}
