/** The values of a ceremony file's parameters, each with the names that lead to it. Pure. */

import type { Json } from "../../manifests/encoding/canonical-json.ts";

export interface Leaf {
  /** `policy.people[1].id`; places are counted from 1 */
  readonly where: string;
  /** no object and, unless it is empty, no list */
  readonly value: Json;
}

/** In the file's order. */
export function leavesOf(value: Json, where = ""): readonly Leaf[] {
  if (typeof value !== "object" || value === null) return [{ where, value }];
  if (Array.isArray(value)) {
    if (value.length === 0) return [{ where, value }];
    return value.flatMap((one, at) => leavesOf(one, `${where}[${at + 1}]`));
  }
  return Object.entries(value).flatMap(([name, one]) => leavesOf(one, where === "" ? name : `${where}.${name}`));
}
