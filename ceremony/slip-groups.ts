/** Which two groups of words an operator is asked for: random, but the same for one operator and one challenge, so that asking twice shows no more. */

import { createHash } from "node:crypto";
import { fromHex, utf8 } from "../manifests/encoding/bytes.ts";
import { groupCount } from "../manifests/encoding/words.ts";

/** Two different group numbers from 1 to 16, ascending, from the signer's random nonce and the operator's certificate. */
export function groupsAsked(nonceHex: string, certificate: Uint8Array): readonly [number, number] {
  const hash = createHash("sha256");
  for (const part of [utf8("coldseal slip groups\n"), fromHex(nonceHex), certificate]) hash.update(part);
  const bytes = hash.digest();
  const first = bytes.readUInt32BE(0) % groupCount;
  const second = (first + 1 + (bytes.readUInt32BE(4) % (groupCount - 1))) % groupCount;
  return first < second ? [first + 1, second + 1] : [second + 1, first + 1];
}
