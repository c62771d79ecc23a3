/** The signed attribute signing-certificate-v2 (RFC 5035 3): which certificate the signer meant. */

import { equal } from "../encoding/bytes.ts";
import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import { readDigest } from "./digest.ts";

/**
 * SEQUENCE { certs SEQUENCE { ESSCertIDv2 } }: one certificate by its hash (SHA-256 where none is named) and, where it
 * is there, issuer and serial. Refuses CMS-CERTIFICATE unless all of it is this certificate's, and for several
 * certificates, policies, or a default that is written out. Time-stamp authorities ("others") may do these three: the first
 * certificate is the signer's (RFC 5035 3), and what else is named is not looked at.
 */
export async function checkSigningCertificate(
  host: Host,
  value: Uint8Array,
  certificate: Certificate,
  by: "ourselves" | "others" = "ourselves",
): Promise<void> {
  const before = by === "ourselves" ? held.get(certificate) : undefined;
  if (before && equal(before, value)) return;
  const outer = DerReader.open(value, tag.sequence, form);
  const list = outer.enter(tag.sequence);
  if (by === "ourselves") outer.finish();
  const one = list.enter(tag.sequence);
  if (by === "ourselves") list.finish();
  const named = one.next(tag.sequence) ? readDigest(whole(value, one.read(tag.sequence))) : undefined;
  if (by === "ourselves" && named === "sha256") throw new Refusal(form, "a default is written out"); // X.690 11.5
  const digest = content(value, one.read(tag.octetString));
  if (!one.done) checkIssuerSerial(one.enter(tag.sequence), certificate);
  one.finish();
  if (!equal(digest, await host.digest(named ?? "sha256", certificate.der))) {
    throw new Refusal(form, "the signature is bound to another certificate", { about: oid.signingCertificateV2 });
  }
  if (by === "ourselves") held.set(certificate, value.slice());
}

/** What held last of a certificate: in a batch's seals it is the same each time. */
const held = new WeakMap<Certificate, Uint8Array>();

const form = "CMS-CERTIFICATE";

/** IssuerSerial: GeneralNames with one directoryName, and the serial number. */
function checkIssuerSerial(reader: DerReader, certificate: Certificate): void {
  const names = reader.enter(tag.sequence);
  const name = names.enter(0xa4);
  const issuer = whole(reader.bytes, name.read(tag.sequence));
  name.finish();
  names.finish();
  const serial = reader.unsigned();
  reader.finish();
  if (!equal(issuer, certificate.issuer) || !equal(serial, certificate.serial)) {
    throw new Refusal(form, "the signature is bound to another issuer and serial number");
  }
}
