/** A point of the sweep: one system call of one thread of one process, and what it becomes. Written `daemon.pool:fsync:3:EIO`. */

import { Refusal } from "../../manifests/refusal.ts";

/** Intake is two processes: one looks at the stick again and again, one for each batch copies it. */
export const parts = ["scan", "take", "daemon", "signer"] as const;
export type Part = (typeof parts)[number];

/**
 * Calls that change what is on a disk or in a stream, or open it, in all the variants that Linux has (x86-64 and arm64 name some
 * only one way).
 */
export const calls = [
  ...["write", "writev", "pwrite64", "pwritev", "pwritev2"],
  ...["fsync", "fdatasync", "sync_file_range", "syncfs"],
  ...["rename", "renameat", "renameat2"],
  ...["open", "openat", "openat2", "creat"],
  ...["unlink", "unlinkat", "rmdir"],
  ...["mkdir", "mkdirat"],
  ...["truncate", "ftruncate", "fallocate"],
] as const;

export const faults = ["SIGKILL", "EIO", "ENOSPC"] as const;
export type Fault = (typeof faults)[number];

export interface Point {
  readonly part: Part;
  /**
   * "start": the process is started under the fault, in the middle of a batch, and any thread counts that comes to the call as often.
   * Else the role of the one thread (`threads.ts`) that meets it, counted from when the batch is plugged.
   */
  readonly where: string;
  readonly call: string;
  /** counts from 1 */
  readonly when: number;
  readonly fault: Fault;
}

export function pointText({ part, where, call, when, fault }: Point): string {
  return `${part}.${where}:${call}:${when}:${fault}`;
}

/** Reads what `pointText` writes. Refuses with USAGE. */
export function readPoint(text: string): Point {
  const [, part = "", where = "", call = "", when = "", fault = ""] =
    /^([a-z]+)\.([a-z0-9-]+):([a-z0-9_]+):([1-9][0-9]{0,5}):([A-Z]+)$/.exec(text) ?? [];
  if (!isOne(parts, part) || !isOne(calls, call) || !isOne(faults, fault)) {
    throw new Refusal("USAGE", "this is no point of the sweep", {
      expected: "PART.WHERE:CALL:NUMBER:FAULT, such as daemon.pool:fsync:3:EIO",
      got: text.slice(0, 80),
    });
  }
  return { part, where, call, when: Number(when), fault };
}

function isOne<T extends string>(all: readonly T[], one: string): one is T {
  return (all as readonly string[]).includes(one);
}
