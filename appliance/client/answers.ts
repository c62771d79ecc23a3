/** Reading what one process of the box answers another: members that are known are read strictly, others left alone. */

import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { anyObject, type Reader, type ReadShape } from "../../manifests/encoding/shape.ts";

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

/** Any text, also empty; what is shown of it is escaped where it is shown. */
export const anyText: Reader<string> = (value) => (typeof value === "string" ? value : String(value ?? ""));

export const anyJson: Reader<Json> = (value) => value ?? null;
