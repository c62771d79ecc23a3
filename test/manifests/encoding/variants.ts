/** Encodings that are strict DER but say more than they should. */

import { content, readElement, whole } from "../../../manifests/encoding/der-read.ts";
import { der, derNull } from "../../../manifests/encoding/der-write.ts";

/** The element once for every constructed element in it, itself first, each time with a NULL added at that one's end. */
export function withNullAdded(encoded: Uint8Array): readonly Uint8Array[] {
  const element = readElement(encoded, 0);
  if ((element.tag & 0x20) === 0) return [];
  const parts: Uint8Array[] = [];
  for (let at = element.start; at < element.end; at = readElement(encoded, at).end) {
    parts.push(whole(encoded, readElement(encoded, at)));
  }
  const deeper = parts.flatMap((part, index) =>
    withNullAdded(part).map((changed) => der(element.tag, ...parts.with(index, changed))),
  );
  return [der(element.tag, content(encoded, element), derNull), ...deeper];
}
