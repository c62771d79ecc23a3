/** How a PIN is split, as a ceremony file says it. */

import { integer, list, object, optional, type Read, text } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, pathIn } from "../engine/ceremony-file.ts";

const readHolder = object({
  /** path of a certificate for encryption; a passphrase is asked for where there is none */
  certificate: optional(text(4096)),
  person: text(32, { pattern: /^[a-z][a-z0-9-]*$/ }),
});

export const readSplit = object({ holders: list(readHolder, 2, 64), threshold: integer(2, 64) });

export type SplitParameters = Read<typeof readSplit>;

/** With absolute paths. Refuses CEREMONY-FILE when a holder is nobody of the file, stands twice, or the threshold is too high. */
export function splitIn(file: CeremonyFile, split: SplitParameters): SplitParameters {
  checkHolders(file, split);
  const holders = split.holders.map(({ person, certificate }) => ({
    person,
    ...(certificate === undefined ? {} : { certificate: pathIn(file, certificate) }),
  }));
  return { ...split, holders };
}

function checkHolders(file: CeremonyFile, { holders, threshold }: SplitParameters): void {
  const ids = holders.map(({ person }) => person);
  const stranger = ids.find((id) => !file.people.some((one) => one.id === id));
  if (stranger !== undefined) {
    throw new Refusal("CEREMONY-FILE", "a holder of a share is nobody of the file", { got: stranger });
  }
  if (new Set(ids).size < ids.length || threshold > ids.length) {
    throw new Refusal("CEREMONY-FILE", "a PIN cannot be split so", {
      expected: "different holders, and a threshold of at most their number",
      got: `${ids.join(", ")}; threshold ${threshold}`,
    });
  }
}
