/** Extensions of CRLs, OCSP responses and their entries (RFC 5280 5.2 and 5.3, RFC 6960 4.4): each once, and none that is critical and not understood. */

import { content, type DerReader, tag } from "../encoding/der-read.ts";
import { Refusal } from "../refusal.ts";

/** Whose extensions these are, and which of them are understood. */
export interface Understood {
  /** as messages name it */
  readonly about: string;
  readonly ids: readonly string[];
  /** those whose values are asked for */
  readonly wanted?: readonly string[];
}

/**
 * Checks the extensions of a list and gives the values of those that are wanted and there, by their OIDs. Refuses PATH-CRITICAL one that is critical and not understood; PATH-FORM, DER an empty list,
 * one that stands twice, a default that is written out (X.690 11.5).
 */
export function checkEntryExtensions(
  list: DerReader,
  { about, ids, wanted = [] }: Understood,
): ReadonlyMap<string, Uint8Array> {
  const seen: string[] = [];
  let values: Map<string, Uint8Array> | undefined;
  while (!list.done) {
    const one = list.enter(tag.sequence);
    const id = one.oid();
    const critical = one.next(tag.boolean);
    if (critical && !one.boolean()) throw new Refusal("PATH-FORM", "a default is written out");
    const octets = content(list.bytes, one.read(tag.octetString));
    one.finish();
    if (seen.includes(id)) throw new Refusal("PATH-FORM", `an extension of ${about} stands twice`, { got: id });
    if (critical && !ids.includes(id)) {
      throw new Refusal("PATH-CRITICAL", `a critical extension of ${about} is not understood`, { got: id });
    }
    if (seen.push(id) > 32) throw new Refusal("PATH-FORM", `more than 32 extensions of ${about}`);
    if (wanted.includes(id)) values = (values ?? new Map()).set(id, octets);
  }
  if (seen.length === 0) throw new Refusal("PATH-FORM", `an empty list of extensions of ${about}`);
  return values ?? none;
}

/** Of the many entries of a list that have none. */
const none: ReadonlyMap<string, Uint8Array> = new Map();
