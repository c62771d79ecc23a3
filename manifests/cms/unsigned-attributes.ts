/** Unsigned attributes of a SignerInfo (RFC 5652 5.3): nobody's word; what stands in them proves itself or nothing. */

import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { explicit, objectIdentifier, sequence, setOf } from "../encoding/der-write.ts";
import { mostUnsigned, type SignerInfo } from "./signer-info.ts";
import type { ExtraAttribute } from "./write.ts";

export interface UnsignedAttribute {
  readonly oid: string;
  /** DER of the attrType */
  readonly type: Uint8Array;
  /** the encoding of each value, as it stands */
  readonly values: readonly Uint8Array[];
}

/** In the order in which they stand; several attributes of one name may be there. What was read by `readSignerInfo` is not refused. */
export function unsignedAttributes(signer: SignerInfo): readonly UnsignedAttribute[] {
  return attributesOf(signer).map((attribute) => {
    const reader = DerReader.open(attribute, tag.sequence, form);
    const start = reader.at;
    const name = reader.oid();
    const type = attribute.subarray(start, reader.at);
    const values = reader.enter(tag.set).rest(mostUnsigned);
    return { oid: name, type, values: values.map((one) => whole(attribute, one)) };
  });
}

/** DER of each value of the attributes of that name, in the order in which they stand. */
export function unsignedValues(signer: SignerInfo, name: string): readonly Uint8Array[] {
  return unsignedAttributes(signer).flatMap((one) => (one.oid === name ? one.values : []));
}

/** Whether there are attributes of other names. */
export function hasOthers(signer: SignerInfo, names: readonly string[]): boolean {
  return unsignedAttributes(signer).some((one) => !names.includes(one.oid));
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

function attributesOf({ core, der, unsigned }: SignerInfo): readonly Uint8Array[] {
  if (!unsigned) return [];
  const reader = DerReader.open(der, tag.sequence, form);
  // The parts of the core are read before; what follows them is [1].
  const parts = DerReader.open(core, tag.sequence, form).rest(8).length;
  for (let part = 0; part < parts; part++) reader.any();
  const set = reader.enter(0xa1);
  return set.rest(mostUnsigned).map((one) => whole(der, one));
}
