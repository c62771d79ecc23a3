/** RSASSA-PSS parameters (RFC 4055 3.1): the digest, MGF1 with the same digest, a salt of the digest's length. */

import { type DerReader, tag, whole } from "../encoding/der-read.ts";
import { derNull, explicit, integer, objectIdentifier, sequence } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import { readDigest } from "./digest.ts";
import { type HashName, hashBytes } from "./suite.ts";

/** Parameters as they are written: digests with NULL (RFC 4055 2.1), the trailer left out because it is the default. */
export function writePssParameters(hash: HashName): Uint8Array {
  const digest = sequence(objectIdentifier(oid[hash]), derNull);
  return sequence(
    explicit(0, digest),
    explicit(1, sequence(objectIdentifier(oid.mgf1), digest)),
    explicit(2, integer(hashBytes[hash])),
  );
}

/**
 * Reads the parameters that end an AlgorithmIdentifier. The defaults stand for SHA-1, so all three must be there; a
 * written-out default trailer is not DER. Refuses CMS-ALGORITHM when digest, mask and salt do not agree.
 */
export function readPssHash(identifier: DerReader): HashName {
  const parameters = identifier.enter(tag.sequence);
  identifier.finish();
  const hash = readDigest(only(parameters.enter(0xa0)));
  const mask = parameters.enter(0xa1);
  const function_ = mask.enter(tag.sequence);
  mask.finish();
  if (function_.oid() !== oid.mgf1) throw new Refusal("CMS-ALGORITHM", "the PSS mask is not MGF1");
  if (readDigest(only(function_)) !== hash) throw new Refusal("CMS-ALGORITHM", "PSS digest and mask digest disagree");
  const salt = parameters.enter(0xa2);
  if (salt.smallInteger() !== hashBytes[hash]) {
    throw new Refusal("CMS-ALGORITHM", "the PSS salt is not as long as the digest");
  }
  salt.finish();
  parameters.finish();
  return hash;
}

function only(reader: DerReader): Uint8Array {
  const element = reader.any();
  reader.finish();
  return whole(reader.bytes, element);
}
