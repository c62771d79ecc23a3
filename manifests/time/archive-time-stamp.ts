/**
 * Archive time-stamps in a signature (archive-time-stamp-v3, ETSI EN 319 122-1 5.5.3): a time-stamp token over the document, the signature and, by its
 * hash index, over all that stands beside it. Of a detached signature the document is there by its hash.
 */

import { type HashIndex, readHashIndex, writeHashIndex } from "../cms/hash-index.ts";
import type { SignerInfo } from "../cms/signer-info.ts";
import type { HashName } from "../cms/suite.ts";
import { unsignedAttributes, withUnsigned } from "../cms/unsigned-attributes.ts";
import { concat } from "../encoding/bytes.ts";
import { content, DerReader, tag } from "../encoding/der-read.ts";
import { objectIdentifier } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { signerIn, withSigner } from "./token.ts";
import { asTimeForm } from "./tst-info.ts";

/** What the token's digest is of, beside the hash index. */
export interface Archived {
  /** of the signature */
  readonly signer: SignerInfo;
  /** of the document, which is of type id-data and outside of the signature */
  readonly documentDigest: (hash: HashName) => Promise<Uint8Array>;
}

/**
 * The digest that the token is over (5.5.3): of eContentType, the document's hash by the same algorithm, the SignerInfo's fields from version to signature as they
 * stand there, the signed attributes under [0] too, and the hash index; all but the hash with tag and length.
 */
export async function archiveImprint(
  host: Host,
  hash: HashName,
  { documentDigest, signer: { core } }: Archived,
  index: Uint8Array,
): Promise<Uint8Array> {
  const fields = new DerReader(core, { start: 0, end: core.length }, "CMS-FORM").read(tag.sequence);
  const parts = [objectIdentifier(oid.data), await documentDigest(hash), content(core, fields), index];
  return host.digest(hash, concat(parts));
}

/** An archive time-stamp's token: the authority's, with the hash index added to it. Refuses TIME-FORM, CMS-*. */
export function withHashIndex(token: Uint8Array, index: HashIndex): Uint8Array {
  const attribute = { oid: oid.hashIndexV3, value: writeHashIndex(index) };
  return withSigner(token, withUnsigned(signerIn(token), [attribute]));
}

/** The hash index in an archive time-stamp's token, as read and in DER. Refuses TIME-FORM unless there is exactly one, CMS-*. */
export function hashIndexIn(token: Uint8Array): { readonly index: HashIndex<string>; readonly der: Uint8Array } {
  const found = unsignedAttributes(signerIn(token)).filter((one) => one.oid === oid.hashIndexV3);
  const values = found.flatMap((one) => one.values);
  const [der] = values;
  if (der === undefined || values.length !== 1 || found.length !== 1) {
    throw new Refusal("TIME-FORM", "an archive time-stamp has one hash index", {
      expected: "1",
      got: `${values.length}`,
    });
  }
  return { index: asTimeForm("a hash index", () => readHashIndex(der)), der };
}
