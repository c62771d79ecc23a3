/**
 * A file that somebody named: links are followed, as whoever named it meant where they lead. It must be a regular file, and is looked at before it is opened, so that
 * no pipe, socket or device is opened, waited for or read without end.
 */

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { kindOf, type OpenFile } from "./no-follow.ts";
import { readWhole } from "./read-file.ts";
import { exactSize } from "./terminal/amounts.ts";

/** Whoever asked closes it. Refuses USAGE what is no regular file; throws errors of the system. */
export function openNamed(path: string): OpenFile {
  checkRegular(path, statSync(path, { bigint: true }));
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor, { bigint: true });
    checkRegular(path, stat);
    return { descriptor, stat };
  } catch (fault) {
    closeSync(descriptor);
    throw fault;
  }
}

/** The whole file. Refuses USAGE what is no regular file, has more than `most` bytes or grows; throws errors of the system. */
export function readNamed(path: string, most: number): Uint8Array {
  const file = openNamed(path);
  const bytes = readWhole(file, most);
  if (bytes) return bytes;
  throw new Refusal("USAGE", `${shown(path)} is longer than any such file`, {
    expected: `a file of at most ${exactSize(most)}`,
    got: file.stat.size > BigInt(most) ? exactSize(Number(file.stat.size)) : "a file that grows",
    about: path,
  });
}

function checkRegular(path: string, stat: OpenFile["stat"]): void {
  const kind = kindOf(stat);
  if (kind === "file") return;
  throw new Refusal("USAGE", `${shown(path)} is no file that can be read`, {
    expected: "a regular file",
    got: `a ${kind}`,
    about: path,
  });
}
