/** CMSAlgorithmProtection (RFC 6211): the signer's own word for its algorithms, against their substitution. */

import { equal } from "../encoding/bytes.ts";
import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import type { SignerInfo } from "./signer-info.ts";

/**
 * Where the attribute is there, its digest and signature algorithms must be byte for byte those of the SignerInfo, and
 * no MAC algorithm may stand there (RFC 6211 2). Refuses CMS-ALGORITHM.
 */
export function checkAlgorithmProtection(signer: SignerInfo): void {
  const value = signer.attributes.find((attribute) => attribute.oid === oid.algorithmProtection)?.value;
  if (!value) return;
  const reader = DerReader.open(value, tag.sequence, "CMS-ALGORITHM");
  const digest = whole(value, reader.read(tag.sequence));
  const signature = content(value, reader.read(0xa1));
  reader.finish();
  const used = signer.signatureAlgorithm;
  const usedContent = new DerReader(used, { start: 0, end: used.length }, "CMS-ALGORITHM").read(tag.sequence);
  if (!equal(digest, signer.digestAlgorithm) || !equal(signature, content(used, usedContent))) {
    throw new Refusal("CMS-ALGORITHM", "the algorithms are not those that the signer protected");
  }
}
