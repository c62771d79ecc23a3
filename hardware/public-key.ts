/** Public keys of tokens as SubjectPublicKeyInfo, so that they can be compared with what was pinned. */

import pkcs11js from "pkcs11js";
import { equal, utf8 } from "../manifests/encoding/bytes.ts";
import { DerReader, tag } from "../manifests/encoding/der-read.ts";
import {
  bitString,
  der,
  derNull,
  objectIdentifier,
  sequence,
  unsignedInteger,
} from "../manifests/encoding/der-write.ts";
import { oid } from "../manifests/encoding/oid.ts";
import { ed25519Spki } from "../manifests/log/ed25519-point.ts";
import { attribute, number, type Session } from "./objects.ts";

/** DER of the namedCurve parameters that are known here (RFC 5480 2.1.1.1). */
export const curveParameters = {
  p256: objectIdentifier(oid.p256),
  p384: objectIdentifier(oid.p384),
} as const;

const printableString = 0x13;

/** What the binding, which is of PKCS#11 v2.40, does not name: CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN and CKM_EDDSA (pkcs11t.h), and the two names of the curve. */
export const edwards = {
  keyType: 0x40,
  generate: 0x1055,
  sign: 0x1057,
  /** by the algorithm's identifier (RFC 8410), or by the curve's name (RFC 8032; PKCS#11 v3.0 2.3.5) */
  parameters: [objectIdentifier("1.3.101.112"), der(printableString, utf8("edwards25519"))],
} as const;

/**
 * SubjectPublicKeyInfo (RFC 5280 4.1.2.7) of a key object, by its public attributes; undefined where the object does not
 * show them or is of a kind that is not used here. An EC private key shows no point (PKCS#11 v3.0 2.3.4).
 */
export function readSpki(session: Session, object: pkcs11js.Handle): Uint8Array | undefined {
  switch (number(session, object, pkcs11js.CKA_KEY_TYPE)) {
    case pkcs11js.CKK_RSA:
      return rsaSpki(session, object);
    case pkcs11js.CKK_EC:
      return ecSpki(session, object);
    case edwards.keyType:
      return edwardsSpki(session, object);
    default:
      return undefined;
  }
}

function rsaSpki(session: Session, object: pkcs11js.Handle): Uint8Array | undefined {
  const modulus = attribute(session, object, pkcs11js.CKA_MODULUS);
  const exponent = attribute(session, object, pkcs11js.CKA_PUBLIC_EXPONENT);
  if (!modulus?.length || !exponent?.length) return undefined;
  const key = sequence(unsignedInteger(modulus), unsignedInteger(exponent));
  return sequence(sequence(objectIdentifier(oid.rsaEncryption), derNull), bitString(key));
}

function ecSpki(session: Session, object: pkcs11js.Handle): Uint8Array | undefined {
  const parameters = attribute(session, object, pkcs11js.CKA_EC_PARAMS);
  const wrapped = attribute(session, object, pkcs11js.CKA_EC_POINT);
  if (!parameters || !wrapped?.length) return undefined;
  if (!Object.values(curveParameters).some((known) => equal(known, parameters))) return undefined;
  return sequence(
    sequence(objectIdentifier(oid.ecPublicKey), parameters),
    bitString(unwrapPoint(wrapped, pointLengths)),
  );
}

function edwardsSpki(session: Session, object: pkcs11js.Handle): Uint8Array | undefined {
  const parameters = attribute(session, object, pkcs11js.CKA_EC_PARAMS);
  const wrapped = attribute(session, object, pkcs11js.CKA_EC_POINT);
  if (!parameters || !wrapped?.length) return undefined;
  if (!edwards.parameters.some((known) => equal(known, parameters))) return undefined;
  return ed25519Spki(unwrapPoint(wrapped, [32]));
}

/** Lengths of uncompressed points of P-256 and P-384. */
const pointLengths: readonly number[] = [65, 97];

/** The point stands in an OCTET STRING (PKCS#11 v2.40 2.3.3); some tokens give it bare. Refuses HSM-KEY for anything else. */
function unwrapPoint(value: Uint8Array, bare: readonly number[]): Uint8Array {
  if (bare.includes(value.length)) return value;
  const reader = new DerReader(value, { start: 0, end: value.length }, "HSM-KEY");
  const point = reader.read(tag.octetString);
  reader.finish();
  return value.subarray(point.start, point.end);
}
