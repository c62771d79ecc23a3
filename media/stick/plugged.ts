/** What is plugged in, put together: sticks with their uses, and what is refused with its reason. Pure. */

import { Refusal } from "../../manifests/refusal.ts";
import { classesOf, judgeUsb, type OwnDevice, usbId } from "./judge-usb.ts";
import type { Disk } from "./sysfs-block.ts";
import type { UsbDevice } from "./sysfs-usb.ts";

/** What a stick is for: batches come in, answers go out, the keeper's stick takes manifests. */
export const roles = ["audit", "in", "out"] as const;
export type Role = (typeof roles)[number];

/** Serial numbers of the sticks that may have a use, or any stick that no other use names. */
export type Allowed = "any" | readonly string[];

export interface StickPolicy {
  readonly own: readonly OwnDevice[];
  readonly roles: Readonly<Record<Role, Allowed>>;
}

export interface Plugged {
  /** of this plugging: the same stick in the same place has another one the next time */
  readonly key: string;
  readonly port: string;
  /** `vvvv:pppp` */
  readonly id: string;
  readonly serial: string | null;
}

export interface Stick extends Plugged {
  readonly disk: Disk;
  readonly roles: readonly Role[];
}

export interface RefusedDevice extends Plugged {
  /** USB classes that it has, two hex digits each */
  readonly classes: readonly string[];
  readonly refusal: Refusal;
}

export interface Found {
  readonly sticks: readonly Stick[];
  readonly refused: readonly RefusedDevice[];
}

/**
 * Judges all devices. A stick whose disk is not there yet stands in neither list. `inUse` are the keys of sticks that are
 * mounted: of several sticks for one use they stay, and the others are refused (STICK-MANY).
 */
export function judgePlugged(
  devices: readonly UsbDevice[],
  disks: readonly Disk[],
  policy: StickPolicy,
  inUse: ReadonlySet<string>,
): Found {
  const refused: RefusedDevice[] = [];
  const sticks: Stick[] = [];
  for (const device of devices) {
    const known = pluggedOf(device);
    try {
      const stick = stickOf(device, known, disks, policy);
      if (stick) sticks.push(stick);
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      refused.push({ ...known, classes: classWords(device), refusal: fault });
    }
  }
  const tooMany = sticks.filter((one) => !inUse.has(one.key) && sticks.some((other) => rivals(one, other)));
  const many = new Refusal("STICK-MANY", "more than one stick for one use is plugged in");
  refused.push(...tooMany.map((one) => refusedStick(one, many)));
  return { sticks: sticks.filter((one) => !tooMany.includes(one)), refused };
}

/** A stick that is not taken. */
export function refusedStick({ disk: _, roles: __, ...known }: Stick, refusal: Refusal): RefusedDevice {
  return { ...known, classes: ["08"], refusal };
}

/** The uses of a stick by its serial number. One that is the keeper's is nothing else. */
export function rolesOf(serial: string | null, allowed: StickPolicy["roles"]): readonly Role[] {
  const named = roles.filter((role) => allowed[role] !== "any" && serial !== null && allowed[role].includes(serial));
  return named.length > 0 ? named : roles.filter((role) => allowed[role] === "any");
}

function stickOf(
  { port, serial, descriptors }: UsbDevice,
  known: Plugged,
  disks: readonly Disk[],
  policy: StickPolicy,
): Stick | undefined {
  if (descriptors instanceof Refusal) throw descriptors;
  if (judgeUsb(descriptors, serial, policy.own) !== "stick") return undefined;
  const uses = rolesOf(serial, policy.roles);
  if (uses.length === 0) {
    const got = serial === null ? "none" : `"${serial}"`;
    throw new Refusal("STICK-UNKNOWN", "no use is set for this stick", {
      got: `serial number ${got}`,
      about: known.id,
    });
  }
  const own = disks.filter((disk) => disk.port === port);
  if (own.length > 1) {
    throw new Refusal("STICK-DEVICE", "a stick that is several disks", { expected: "one disk", got: `${own.length}` });
  }
  const [disk] = own;
  return disk && { ...known, disk, roles: uses };
}

function pluggedOf({ port, device, serial, descriptors }: UsbDevice): Plugged {
  const id = descriptors instanceof Refusal ? "unknown" : usbId(descriptors);
  return { key: `${port}#${device}`, port, id, serial };
}

function classWords({ descriptors }: UsbDevice): readonly string[] {
  if (descriptors instanceof Refusal) return [];
  return classesOf(descriptors).map((code) => code.toString(16).padStart(2, "0"));
}

function rivals(one: Stick, other: Stick): boolean {
  return one.key !== other.key && one.roles.some((role) => other.roles.includes(role));
}
