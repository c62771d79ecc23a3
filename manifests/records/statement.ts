/** What became of an order, said by the box's audit key (docs/formats.md, "statement.p7m"). */

import { readSignedData } from "../cms/read.ts";
import { verifySigner } from "../cms/verify.ts";
import { canonicalBytes, readCanonical } from "../encoding/canonical-json.ts";
import type { OwnOids } from "../encoding/oid.ts";
import { hexText, integer, literal, object, oneOf, type Read, text, texts, utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { type OrderKind, orderKinds } from "./order.ts";

const readStatementValue = object({
  appliance: text(64),
  /** counter of the head in the token */
  counter: integer(1),
  created: utc,
  /** what was found or done, none of it secret */
  facts: texts,
  journal: object({ head: hexText(), sequence: integer(1) }),
  /** number of the last manifest; 0 where there is none */
  manifest: integer(0),
  order: object({
    digest: hexText(),
    kind: oneOf(orderKinds as readonly [OrderKind, ...OrderKind[]]),
    number: integer(1),
  }),
  type: literal("statement"),
  version: literal(1),
});

export type Statement = Read<typeof readStatementValue>;

/** Reads a statement's canonical JSON. Refuses JSON, SHAPE. */
export function readStatement(content: Uint8Array): Statement {
  return readStatementValue(readCanonical(content), "statement");
}

/** Canonical bytes, read back before they are given out. */
export function statementBytes(statement: Statement): Uint8Array {
  const bytes = canonicalBytes(statement);
  readStatement(bytes);
  return bytes;
}

/**
 * Verifies a statement's one signature; `certificate` (DER) is the signer's, whose path and key are the caller's to judge.
 * Refuses DER, CMS-*, JSON, SHAPE, PATH-USAGE.
 */
export async function verifyStatement(
  host: Host,
  oids: OwnOids,
  p7m: Uint8Array,
): Promise<{
  readonly statement: Statement;
  readonly digest: Uint8Array;
  readonly certificate: Uint8Array;
  readonly spki: Uint8Array;
}> {
  const { eContentType, content, signers, certificates } = readSignedData(p7m);
  if (eContentType !== oids.statement || !content) {
    throw new Refusal("CMS-TYPE", "not a statement", { expected: oids.statement, got: eContentType });
  }
  const [signer, ...more] = signers;
  if (!signer || more.length > 0)
    throw new Refusal("CMS-SIGNERS", "expected exactly one signer", { got: `${signers.length}` });
  const contentDigest = (hash: "sha256" | "sha384" | "sha512") => host.digest(hash, content);
  const { certificate } = await verifySigner(host, signer, { certificates, eContentType, contentDigest });
  if (!certificate.extendedKeyUsage.includes(oids.audit)) {
    throw new Refusal("PATH-USAGE", "not signed by an audit key", {
      expected: oids.audit,
      about: certificate.subjectText,
    });
  }
  const digest = await host.digest("sha256", content);
  return { statement: readStatement(content), digest, certificate: certificate.der, spki: certificate.spki };
}
