/** A point of the sweep: one call of one process, and what it becomes; or a jump of the clock at a step of a batch. Written `daemon.pool:fsync:3:EIO`. */

import { Refusal } from "../../manifests/refusal.ts";
import { type ClockSet, type ClockStep, clockSets, clockSteps, type Jump, jumps } from "./clock/jumps.ts";
import { faultsOfCall, isTokenCall, type TokenCall, type TokenFault, tokenFaults } from "./token/token-faults.ts";

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

/** A system call. */
export interface CallPoint {
  readonly kind: "call";
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

/** Where calls of the token are counted: from when a batch is plugged, or by a signer that is started and unlocked in the middle of one, and by the child that it tries the module in. */
export const tokenPlaces = ["token", "token-start", "token-probe"] as const;
export type TokenPlace = (typeof tokenPlaces)[number];

/** A call of the token by the signer. */
export interface TokenPoint {
  readonly kind: "token";
  readonly part: "signer";
  readonly where: TokenPlace;
  readonly call: TokenCall;
  /** counts from 1 */
  readonly when: number;
  readonly fault: TokenFault;
}

/** A jump of the clock that some processes see. */
export interface ClockPoint {
  readonly kind: "clock";
  readonly part: ClockSet;
  readonly where: ClockStep;
  readonly call: "clock";
  readonly when: 1;
  readonly fault: Jump;
}

export type Point = CallPoint | TokenPoint | ClockPoint;

export function pointText({ part, where, call, when, fault }: Point): string {
  return `${part}.${where}:${call}:${when}:${fault}`;
}

/** Reads what `pointText` writes. Refuses with USAGE. */
export function readPoint(text: string): Point {
  const [, part = "", where = "", call = "", number = "", fault = ""] =
    /^([a-z]+)\.([a-z0-9-]+):([A-Za-z0-9_]+):([1-9][0-9]{0,5}):([A-Z_-]+)$/.exec(text) ?? [];
  const when = Number(number);
  if (isOne(parts, part) && isOne(calls, call) && isOne(faults, fault))
    return { kind: "call", part, where, call, when, fault };
  if (part === "signer" && isOne(tokenPlaces, where) && isTokenCall(call) && isOne(tokenFaults, fault)) {
    if (faultsOfCall(call).includes(fault)) return { kind: "token", part, where, call, when, fault };
  }
  if (isOne(clockSets, part) && isOne(clockSteps, where) && call === "clock" && when === 1 && isOne(jumps, fault))
    return { kind: "clock", part, where, call, when, fault };
  throw new Refusal("USAGE", "this is no point of the sweep", {
    expected: "PART.WHERE:CALL:NUMBER:FAULT, such as daemon.pool:fsync:3:EIO",
    got: text.slice(0, 80),
  });
}

function isOne<T extends string>(all: readonly T[], one: string): one is T {
  return (all as readonly string[]).includes(one);
}
