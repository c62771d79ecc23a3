/** The digest that an AlgorithmIdentifier names. */

import { DerReader, tag } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import type { HashName } from "./suite.ts";

const hashNames = ["sha256", "sha384", "sha512"] as const;

/** Reads a digest's identifier; parameters absent or NULL (both must be accepted, RFC 5754 2). Refuses CMS-ALGORITHM for others. */
export function readDigest(identifier: Uint8Array): HashName {
  const reader = DerReader.open(identifier, tag.sequence, "CMS-ALGORITHM");
  const name = reader.oid();
  const hash = hashNames.find((known) => oid[known] === name);
  if (!hash) throw new Refusal("CMS-ALGORITHM", "not a digest that is allowed", { got: name });
  if (!reader.done) readNull(reader);
  return hash;
}

/** Reads the NULL that ends an identifier. */
export function readNull(reader: DerReader): void {
  const element = reader.read(tag.null);
  reader.finish();
  if (element.end !== element.start) throw new Refusal("DER", "a NULL with content");
}
