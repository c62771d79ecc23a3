/** Unsigned attributes of a SignerInfo (RFC 5652 5.3): nobody's word; what stands in them proves itself or nothing. */

import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { explicit, objectIdentifier, sequence, setOf } from "../encoding/der-write.ts";
import type { SignerInfo } from "./signer-info.ts";
import type { ExtraAttribute } from "./write.ts";

/** DER of each value of the attributes of that name, in the order in which they stand; several attributes of one name may be there. */
export function unsignedValues(signer: SignerInfo, name: string): readonly Uint8Array[] {
  return attributesOf(signer).flatMap((attribute) => {
    const reader = DerReader.open(attribute, tag.sequence, form);
    if (reader.oid() !== name) return [];
    const values = reader.enter(tag.set);
    return values.rest(mostValues).map((one) => whole(attribute, one));
  });
}

/** Whether there are attributes of other names. */
export function hasOthers(signer: SignerInfo, name: string): boolean {
  return attributesOf(signer).some((one) => DerReader.open(one, tag.sequence, form).oid() !== name);
}

/** The SignerInfo with more unsigned attributes, each of one value; what is there stays byte for byte. Nothing that was signed changes. */
export function withUnsigned(signer: SignerInfo, attributes: readonly ExtraAttribute[]): Uint8Array {
  const { core } = signer;
  const reader = new DerReader(core, { start: 0, end: core.length }, form);
  const more = attributes.map(({ oid, value }) => sequence(objectIdentifier(oid), setOf(value)));
  const all = setOf(...attributesOf(signer), ...more);
  const inner = new DerReader(all, { start: 0, end: all.length }, form);
  return sequence(content(core, reader.any()), explicit(1, content(all, inner.any())));
}

const form = "CMS-FORM";
const mostValues = 16;

function attributesOf({ core, der, unsigned }: SignerInfo): readonly Uint8Array[] {
  if (!unsigned) return [];
  const reader = DerReader.open(der, tag.sequence, form);
  // The parts of the core are read before; what follows them is [1].
  const parts = DerReader.open(core, tag.sequence, form).rest(8).length;
  for (let part = 0; part < parts; part++) reader.any();
  const set = reader.enter(0xa1);
  return set.rest(16).map((one) => whole(der, one));
}
