/** A secret handed over on an inherited descriptor, for scripts: never in arguments, never in the environment. */

import { closeSync, fstatSync, readdirSync, readFileSync, readSync, type Stats } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";
import { faultWords } from "../fault-words.ts";

const longest = 1024;

/**
 * Reads one line (its end may also be the end of the file) from a descriptor and closes it. The caller wipes the bytes.
 * Refuses with SECRET where nothing came, the descriptor was not handed over or cannot be read, or the line is over 1 KiB.
 */
export function readSecret(descriptor: number): Uint8Array {
  checkHandedOver(descriptor);
  const buffer = new Uint8Array(longest + 1);
  try {
    const length = fill(descriptor, buffer);
    const end = buffer.subarray(0, length).findIndex((byte) => byte === 0x0a || byte === 0x0d);
    const secret = buffer.slice(0, end === -1 ? length : end);
    if (secret.length === 0 || secret.length > longest) {
      throw new Refusal("SECRET", `descriptor ${descriptor} gave no secret`, {
        expected: `one line of 1 to ${longest} bytes`,
        got: secret.length === 0 ? "nothing" : "more",
      });
    }
    return secret;
  } finally {
    buffer.fill(0);
  }
}

function fill(descriptor: number, buffer: Uint8Array): number {
  let length = 0;
  try {
    while (length < buffer.length && !buffer.subarray(0, length).includes(0x0a)) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
    }
    closeSync(descriptor);
    return length;
  } catch (cause) {
    throw new Refusal("SECRET", `descriptor ${descriptor} cannot be read`, {
      expected: "an open descriptor with the secret on it",
      got: faultWords(cause),
      cause,
    });
  }
}

/**
 * Refuses with SECRET a descriptor that nobody handed over: no number, not open, or one of the engine's own, which it keeps open under low numbers too and without which it aborts.
 */
export function checkHandedOver(descriptor: number): void {
  const got = Number.isSafeInteger(descriptor) && descriptor >= 0 ? whyNone(descriptor) : "no number";
  if (got === undefined) return;
  throw new Refusal("SECRET", `descriptor ${descriptor} was not handed over`, {
    expected: "an open descriptor with the secret on it",
    got,
  });
}

function whyNone(descriptor: number): string | undefined {
  try {
    const at = fstatSync(descriptor);
    // Event queues have no type of file; the engine's pipes to itself have both of their ends here.
    const own = (at.mode & 0o170000) === 0 || (at.isFIFO() && hasOtherEnd(descriptor, at));
    return own ? "one of this program's own" : undefined;
  } catch (fault) {
    return faultWords(fault);
  }
}

/** Whether another descriptor of this process is the pipe's other end. */
function hasOtherEnd(descriptor: number, { dev, ino }: Stats): boolean {
  return descriptorsHere().some((one) => {
    try {
      const other = fstatSync(one);
      return other.ino === ino && other.dev === dev && accessOf(one) !== accessOf(descriptor);
    } catch {
      return false;
    }
  });
}

/** O_RDONLY, O_WRONLY or O_RDWR. */
function accessOf(descriptor: number): number {
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1] ?? "0";
  return Number.parseInt(flags, 8) & 0b11;
}

/** None where the system does not say. */
function descriptorsHere(): readonly number[] {
  try {
    return readdirSync("/proc/self/fd").map(Number);
  } catch {
    return [];
  }
}
