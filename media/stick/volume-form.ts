/** What tables and file systems of sticks have in common. Pure. */

import { Refusal } from "../../manifests/refusal.ts";

/** Whether sectors may be of so many bytes. */
export function isSectorSize(bytes: number): boolean {
  return [512, 1024, 2048, 4096].includes(bytes);
}

/** Whether a sector begins with the jump over its parameters that FAT has. */
export function hasFatJump(sector: Uint8Array): boolean {
  return sector[0] === 0xe9 || (sector[0] === 0xeb && sector[2] === 0x90);
}

/** Whether a boot sector says that it is exFAT's. */
export function isExfat(sector: Uint8Array): boolean {
  return Buffer.from(sector.subarray(3, 11)).toString("latin1") === "EXFAT   ";
}

export function oddVolume(what: string): Refusal {
  return new Refusal("STICK-FORM", `the stick's file system is refused: ${what}`, { got: what });
}
