/**
 * Certificate revocation lists (RFC 5280 5) read by strict slicing: version 2, DER throughout, complete lists of their issuer's own
 * certificates. A list that says otherwise (delta, indirect, of some reasons or some certificates) does so in a critical extension, and is refused.
 */

import { readCertificateAlgorithm } from "../cms/algorithm.ts";
import type { Suite } from "../cms/suite.ts";
import { equal, hex } from "../encoding/bytes.ts";
import { checkDer } from "../encoding/der-check.ts";
import { DerReader, readGeneralizedTime, readTime, tag, whole } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import { checkEntryExtensions, type Understood } from "./entry-extensions.ts";
import { readSignedPart } from "./signed.ts";

export interface Crl {
  /** the signed part */
  readonly tbs: Uint8Array;
  /** DER Name */
  readonly issuer: Uint8Array;
  readonly thisUpdate: Utc;
  readonly nextUpdate: Utc | undefined;
  readonly signatureSuite: Suite;
  readonly signature: Uint8Array;
  /** revocation dates by serial number: hex of the content octets */
  readonly revoked: ReadonlyMap<string, Utc>;
  /** it also names what was revoked and ended at this time or later (expiredCertsOnCRL, X.509 9.5.2.9) */
  readonly endedSince: Utc | undefined;
}

/** Most bytes that a list may have: a million entries and more. */
export const crlLimit = 64 << 20;

/** Reads a list. Refuses PATH-FORM, PATH-CRITICAL (an extension that is not understood), CMS-ALGORITHM. */
export function readCrl(der: Uint8Array): Crl {
  if (der.length > crlLimit) throw new Refusal("PATH-FORM", `a CRL of more than ${crlLimit} bytes`);
  try {
    return read(der);
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || thrown.code !== "DER") throw thrown;
    throw new Refusal("PATH-FORM", `a CRL is not strict DER: ${thrown.message}`, { cause: thrown });
  }
}

function read(der: Uint8Array): Crl {
  const { algorithm, signature, tbs } = readSignedPart(der);
  const inner = new DerReader(der, tbs, "PATH-FORM");
  if (inner.smallInteger() !== 1) throw new Refusal("PATH-FORM", "not a CRL of version 2");
  if (!equal(whole(der, inner.read(tag.sequence)), algorithm)) {
    throw new Refusal("PATH-FORM", "the two signature algorithms of a CRL differ");
  }
  const issuer = whole(der, inner.read(tag.sequence));
  checkDer(issuer);
  const thisUpdate = readTime(der, inner.any());
  const nextUpdate =
    inner.next(tag.utcTime) || inner.next(tag.generalizedTime) ? readTime(der, inner.any()) : undefined;
  if (nextUpdate !== undefined && nextUpdate < thisUpdate)
    throw new Refusal("PATH-FORM", "a CRL ends before it begins");
  const revoked = inner.next(tag.sequence) ? readEntries(inner.enter(tag.sequence)) : new Map<string, Utc>();
  const explicit = inner.enter(0xa0);
  const expired = checkEntryExtensions(explicit.enter(tag.sequence), ofList).get(oid.expiredCertsOnCrl);
  explicit.finish();
  inner.finish();
  return {
    tbs: whole(der, tbs),
    issuer,
    thisUpdate,
    nextUpdate,
    signatureSuite: readCertificateAlgorithm(algorithm),
    signature,
    revoked,
    endedSince: expired && timeIn(expired),
  };
}

function readEntries(list: DerReader): ReadonlyMap<string, Utc> {
  const revoked = new Map<string, Utc>();
  while (!list.done) {
    const entry = list.enter(tag.sequence);
    const serial = entry.unsigned();
    if (serial.length > 20) throw new Refusal("PATH-FORM", "a serial number of more than 20 bytes");
    const date = readTime(list.bytes, entry.any());
    const invalid = entry.next(tag.sequence)
      ? checkEntryExtensions(entry.enter(tag.sequence), ofEntry).get(oid.invalidityDate)
      : undefined;
    entry.finish();
    const name = hex(serial);
    if (revoked.has(name)) throw new Refusal("PATH-FORM", "a CRL names a certificate twice", { got: name });
    revoked.set(name, invalid === undefined ? date : earlier(date, timeIn(invalid)));
  }
  return revoked;
}

function timeIn(value: Uint8Array): Utc {
  const reader = new DerReader(value, { start: 0, end: value.length }, "PATH-FORM");
  const time = readGeneralizedTime(value, reader.any());
  reader.finish();
  return time;
}

function earlier(a: Utc, b: Utc): Utc {
  return a < b ? a : b;
}

/** reasonCode changes nothing here; invalidityDate says since when, where that is earlier. */
const ofEntry: Understood = {
  about: "a CRL",
  ids: ["2.5.29.21", oid.invalidityDate],
  wanted: [oid.invalidityDate],
};
/** authorityKeyIdentifier, cRLNumber, expiredCertsOnCRL */
const ofList: Understood = {
  about: "a CRL",
  ids: ["2.5.29.35", "2.5.29.20", oid.expiredCertsOnCrl],
  wanted: [oid.expiredCertsOnCrl],
};
