/** A secret handed over on an inherited descriptor, for scripts: never in arguments, never in the environment. */

import { closeSync, readSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";
import { faultWords } from "../fault-words.ts";

const longest = 1024;

/**
 * Reads one line (its end may also be the end of the file) from a descriptor and closes it. The caller wipes the bytes.
 * Refuses with SECRET where nothing came, the descriptor cannot be read, or the line is over 1 KiB.
 */
export function readSecret(descriptor: number): Uint8Array {
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
