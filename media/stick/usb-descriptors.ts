/**
 * What a USB device says that it is: its device descriptor and all of its configurations (USB 2.0, 9.6), as Linux gives
 * them in `/sys/bus/usb/devices/*\/descriptors`. Every configuration and alternate setting counts, in force or not. Pure.
 */

import { Refusal } from "../../manifests/refusal.ts";

export interface UsbDescriptors {
  readonly vendor: number;
  readonly product: number;
  /** bDeviceClass; 0 where each interface says its own */
  readonly deviceClass: number;
  /** one for each alternate setting of each interface of each configuration */
  readonly interfaces: readonly { readonly number: number; readonly class: number }[];
}

/** Most bytes that are read of a device: Linux itself takes 8 configurations. */
export const descriptorsLimit = 64 * 1024;

const deviceType = 1;
const configurationType = 2;
const interfaceType = 4;

/**
 * Reads the descriptors. Refuses with STICK-DEVICE what is cut off, holds other counts of configurations or interfaces
 * than it says, or has descriptors too short for their type.
 */
export function readUsbDescriptors(bytes: Uint8Array): UsbDescriptors {
  if (bytes.length < 18 || bytes[0] !== 18 || bytes[1] !== deviceType) throw odd("no device descriptor");
  if (bytes.length > descriptorsLimit) throw odd(`more than ${descriptorsLimit} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const interfaces: { number: number; class: number }[] = [];
  let configurations = 0;
  for (let at = 18; at < bytes.length; configurations++) {
    const length = configurationLength(view, at);
    interfaces.push(...interfacesIn(view, at, at + length));
    at += length;
  }
  const said = view.getUint8(17);
  if (configurations !== said) throw odd(`${said} configurations said, ${configurations} there`);
  return {
    vendor: view.getUint16(8, true),
    product: view.getUint16(10, true),
    deviceClass: view.getUint8(4),
    interfaces,
  };
}

/** wTotalLength of the configuration at `at`. */
function configurationLength(view: DataView, at: number): number {
  if (view.byteLength - at < 9 || view.getUint8(at) < 9 || view.getUint8(at + 1) !== configurationType) {
    throw odd("something else where a configuration belongs");
  }
  const length = view.getUint16(at + 2, true);
  if (length < 9 || at + length > view.byteLength) throw odd("a configuration that is cut off");
  return length;
}

function interfacesIn(view: DataView, start: number, end: number): { number: number; class: number }[] {
  const found: { number: number; class: number }[] = [];
  for (let at = start; at < end; ) {
    const length = view.getUint8(at);
    if (length < 2 || at + length > end) throw odd("a descriptor that is cut off");
    const type = view.getUint8(at + 1);
    if (at > start && (type === deviceType || type === configurationType)) throw odd("a configuration in another one");
    if (type === interfaceType) {
      if (length < 9) throw odd("an interface that is cut off");
      found.push({ number: view.getUint8(at + 2), class: view.getUint8(at + 5) });
    }
    at += length;
  }
  const said = view.getUint8(start + 4);
  const there = new Set(found.map(({ number }) => number)).size;
  if (there !== said) throw odd(`${said} interfaces said, ${there} there`);
  return found;
}

function odd(what: string): Refusal {
  return new Refusal("STICK-DEVICE", `the USB device's descriptors are odd: ${what}`, { got: what });
}
