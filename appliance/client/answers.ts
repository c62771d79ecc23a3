/** Reading what one process of the box answers another: members that are known are read strictly, others left alone. */

import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { anyObject, type Reader, type ReadShape } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** An object with at least these members. Refuses with SHAPE. */
export function having<const S extends { readonly [name: string]: Reader<unknown> }>(shape: S): Reader<ReadShape<S>> {
  return (value, path) => {
    const source = anyObject(value, path);
    const out: Record<string, unknown> = {};
    for (const [name, reader] of Object.entries(shape)) {
      const read = reader(Object.hasOwn(source, name) ? source[name] : undefined, `${path}.${name}`);
      if (read !== undefined) out[name] = read;
    }
    return out as ReadShape<S>;
  };
}

/** Reads an answer's result; what cannot be read is refused with FRAME, so that it is never taken for the refusal of what was asked. */
export function readAnswer<T>(reader: Reader<T>, value: Json, name: string): T {
  try {
    return reader(value, name);
  } catch (cause) {
    throw new Refusal("FRAME", `the answer of ${name} cannot be read`, { about: name, cause });
  }
}

/** Any text, also empty; another value as its JSON. What is shown of it is escaped where it is shown. */
export const anyText: Reader<string> = (value) => {
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  return String(value ?? "");
};

export const anyJson: Reader<Json> = (value) => value ?? null;
