/** What certificates, CRLs and OCSP responses share (RFC 5280 4.1 and 5.1, RFC 6960 4.2.1): a part, the algorithm that signs it, and the signature. */

import { content, DerReader, type Element, tag, whole } from "../encoding/der-read.ts";
import { Refusal } from "../refusal.ts";

export interface SignedPart {
  /** where the signed part lies */
  readonly tbs: Element;
  /** DER AlgorithmIdentifier beside the signature */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** Opens all of `der`. Refuses PATH-FORM, DER. */
export function readSignedPart(der: Uint8Array): SignedPart {
  const { rest, ...part } = openSignedPart(der);
  rest.finish();
  return part;
}

/** As `readSignedPart`, but gives what follows the signature in `rest`. */
export function openSignedPart(der: Uint8Array): SignedPart & { readonly rest: DerReader } {
  const outer = DerReader.open(der, tag.sequence, "PATH-FORM");
  const tbs = outer.read(tag.sequence);
  const algorithm = whole(der, outer.read(tag.sequence));
  const signature = content(der, outer.read(tag.bitString));
  if (signature[0] !== 0) throw new Refusal("PATH-FORM", "the signature is not of whole bytes");
  return { tbs, algorithm, signature: signature.subarray(1), rest: outer };
}
