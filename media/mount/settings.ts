/** `mount.json`: which sticks are for what, and where they appear. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { flag, integer, list, nullable, object, type Read, type Reader, text } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type Allowed, roles } from "../stick/plugged.ts";

const path = text(4096);
/** As `/sys` gives it: printable ASCII. */
const serial = text(126, { pattern: /^[\x20-\x7e]+$/ });

const serials: Reader<readonly string[]> = list(serial, 0, 256);
const allowed: Reader<Allowed> = (value: Json | undefined, at: string) =>
  value === "any" ? "any" : serials(value, at);

const readMembers = object({
  /** where block devices stand */
  devices: path,
  /** sticks appear below it, each under the name of its use */
  folder: path,
  /** user and group that the files on a stick belong to: vfat and exFAT know none */
  owner: object({ gid: integer(0, 0xffff_fffe), uid: integer(0, 0xffff_fffe) }),
  /** USB devices of the box itself, such as its keyboard, that are neither sticks nor alarms */
  own: list(object({ id: text(9, { pattern: /^[0-9a-f]{4}:[0-9a-f]{4}$/ }), serial: nullable(serial) }), 0, 64),
  /** how often the kernel's tree is looked at, beside USB events */
  pollMilliseconds: integer(50, 60_000),
  roles: object({ audit: serials, in: allowed, out: allowed }),
  socket: path,
  /** whether a USB device that is refused loses its power of doing anything (`authorized` in the kernel's tree) */
  switchOff: flag,
  /** the kernel's tree */
  sys: path,
});

export type MountSettings = Read<typeof readMembers>;

/** Reads the file; paths in it are relative to its folder. Refuses with CONFIG, also where one stick is the keeper's and something else. */
export function readMountSettings(file: string): MountSettings {
  try {
    const settings = readMembers(readPlainJson(readFileSync(file, "utf8")), "mount.json");
    checkRoles(settings.roles);
    const here = (one: string) => resolve(dirname(file), one);
    const { devices, folder, socket, sys } = settings;
    return { ...settings, devices: here(devices), folder: here(folder), socket: here(socket), sys: here(sys) };
  } catch (fault) {
    const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "cannot be read");
    throw new Refusal("CONFIG", `the mount helper's file cannot be used: ${why.message}`, {
      about: file,
      cause: fault,
    });
  }
}

function checkRoles(given: MountSettings["roles"]): void {
  const others = roles.filter((role) => role !== "audit").flatMap((role) => (given[role] === "any" ? [] : given[role]));
  const twice = given.audit.find((one) => others.includes(one));
  if (twice === undefined) return;
  throw new Refusal("CONFIG", `the stick "${twice}" is the keeper's and something else`, { about: twice });
}
