/** T27: whether a USB device is a memory stick and nothing else, belongs to the box, or is refused. Pure. */

import { Refusal } from "../../manifests/refusal.ts";
import type { UsbDescriptors } from "./usb-descriptors.ts";

/** A device of the box itself, such as its keyboard or its HSM: `vvvv:pppp`, and its serial number where it has one. */
export interface OwnDevice {
  readonly id: string;
  readonly serial: string | null;
}

export type UsbKind = "hub" | "own" | "stick";

const massStorage = 0x08;
const hub = 0x09;

/** Names of classes that a device would have to do harm (USB-IF, "Defined Class Codes"). */
const classNames: Readonly<Record<number, string>> = {
  1: "audio",
  2: "network or modem",
  3: "keyboard, mouse or other input",
  6: "camera",
  7: "printer",
  8: "mass storage",
  9: "hub",
  10: "network data",
  11: "smart card",
  14: "video",
  224: "wireless or network",
  239: "miscellaneous",
  254: "application specific",
  255: "vendor specific",
};

/** `vvvv:pppp`, as lsusb shows it. */
export function usbId({ vendor, product }: UsbDescriptors): string {
  return `${word(vendor)}:${word(product)}`;
}

/**
 * What a device is, by all that it says it can be: hubs do nothing by themselves; the box's own devices are those that the
 * settings name; a stick has one interface, which is mass storage in every configuration and alternate setting. Refuses
 * with STICK-DEVICE everything else: composite devices, keyboards, network cards, devices without an interface.
 */
export function judgeUsb(device: UsbDescriptors, serial: string | null, own: readonly OwnDevice[]): UsbKind {
  const id = usbId(device);
  if (own.some((one) => one.id === id && (one.serial === null || one.serial === serial))) return "own";
  const classes = classesOf(device);
  if (classes.length > 0 && classes.every((one) => one === hub)) return "hub";
  const interfaces = new Set(device.interfaces.map(({ number }) => number)).size;
  const onlyStorage = interfaces === 1 && classes.every((one) => one === massStorage);
  if (onlyStorage) return "stick";
  const composite = interfaces > 1 ? `a composite device of ${interfaces} interfaces: ` : "";
  throw new Refusal("STICK-DEVICE", "a USB device was plugged in that is no memory stick, or not only one", {
    expected: "one interface, mass storage (08)",
    got: classes.length === 0 ? "no interface" : composite + classes.map(className).join(", "),
    about: id,
  });
}

/** Each class once, the device's own among them unless it leaves that to its interfaces. */
export function classesOf({ deviceClass, interfaces }: UsbDescriptors): readonly number[] {
  const all = interfaces.map((one) => one.class);
  if (deviceClass !== 0) all.unshift(deviceClass);
  return [...new Set(all)];
}

function className(code: number): string {
  const name = classNames[code];
  const digits = code.toString(16).padStart(2, "0");
  return name === undefined ? digits : `${name} (${digits})`;
}

function word(value: number): string {
  return value.toString(16).padStart(4, "0");
}
