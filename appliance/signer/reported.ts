/** HONEST: facts that only the daemon or intake knows; small, unchecked, and kept under `reported`. */

import { canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import { anyObject, type Reader } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

export type Reported = { readonly [name: string]: Json };

const maximumBytes = 8 * 1024;

/** Reads an object of at most 8 KiB of canonical JSON. Refuses with SHAPE. */
export const readReported: Reader<Reported> = (value, path) => {
  const reported = anyObject(value, path);
  const { length } = canonicalBytes(reported);
  if (length > maximumBytes) {
    throw new Refusal("SHAPE", `${path}: expected at most ${maximumBytes} bytes`, { got: `${length} bytes` });
  }
  return reported;
};
