/** A TPM key's public area (TPMT_PUBLIC; TPM 2.0 Library, part 2), its Name, and what makes it an attestation key. */

import type { SuiteName } from "../cms/suite.ts";
import { concat, hex } from "../encoding/bytes.ts";
import { bitString, derNull, objectIdentifier, sequence, unsignedInteger } from "../encoding/der-write.ts";
import { oid } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { tpmAlgorithm, tpmP256 } from "./tpm-algorithms.ts";
import { TpmReader } from "./tpm-reader.ts";

/** Most bytes of a public area; RSA-2048 with a policy has about 330. */
export const publicAreaLimit = 1024;

/** TPMA_OBJECT (part 2); all other bits are reserved and zero. */
export const objectAttributes = {
  fixedTPM: 1 << 1,
  stClear: 1 << 2,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDA: 1 << 10,
  encryptedDuplication: 1 << 11,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
  x509sign: 1 << 19,
} as const;

export type ObjectAttribute = keyof typeof objectAttributes;

export interface PublicArea {
  readonly attributes: ReadonlySet<ObjectAttribute>;
  /** the one scheme that the key signs by; undefined where it has none, or one that is not known here */
  readonly suite: SuiteName | undefined;
  /** DER SubjectPublicKeyInfo */
  readonly spki: Uint8Array;
}

/**
 * Reads the public area of an RSA key of 2048 or 3072 bits, or of one on P-256. Refuses QUOTE-FORM anything else, also a Name's
 * algorithm other than SHA-256 and reserved attributes that are set.
 */
export function readPublicArea(bytes: Uint8Array): PublicArea {
  if (bytes.length > publicAreaLimit) {
    const detail = { expected: `at most ${publicAreaLimit} bytes`, got: `${bytes.length} bytes` };
    throw new Refusal("QUOTE-FORM", "a public area is too long", detail);
  }
  const reader = new TpmReader(bytes, "a public area");
  const type = reader.u16();
  const nameAlgorithm = reader.u16();
  if (nameAlgorithm !== tpmAlgorithm.sha256)
    throw reader.refuse("its Name is not by SHA-256", "0x000b", name(nameAlgorithm));
  const attributes = readAttributes(reader);
  reader.sized(64); // authPolicy
  const { spki, suite } = readKey(reader, type);
  reader.finish();
  return { attributes, suite, spki };
}

/** The Name of an object (part 1, "Names"): its algorithm, SHA-256 here, and the digest of its public area. Hex. */
export async function nameOf(host: Host, publicArea: Uint8Array): Promise<string> {
  return `000b${hex(await host.digest("sha256", publicArea))}`;
}

/**
 * What an attestation key must be (part 1, "Attestation"; part 3, TPM2_Quote): restricted, so that it signs nothing that claims to be the TPM's and is not; made in this TPM and
 * never out of it; for signing alone. Each that is missing is worth a refusal: QUOTE-KEY. Gives the suite it signs by.
 */
export function checkAttestationKey({ attributes, suite }: PublicArea): SuiteName {
  for (const [attribute, why] of required) {
    if (attributes.has(attribute)) continue;
    throw new Refusal("QUOTE-KEY", `this is no attestation key: ${why}`, { expected: attribute, got: "not set" });
  }
  if (attributes.has("decrypt")) {
    throw new Refusal("QUOTE-KEY", "this is no attestation key: it decrypts too", {
      expected: "sign alone",
      got: "decrypt",
    });
  }
  if (suite) return suite;
  throw new Refusal("QUOTE-KEY", "this is no attestation key: it has no scheme that is allowed", {
    expected: "ECDSA P-256, RSASSA or RSAPSS, with SHA-256",
    got: "another scheme, or none",
  });
}

const required: readonly (readonly [ObjectAttribute, string])[] = [
  ["restricted", "it may sign what did not come from the TPM"],
  ["sign", "it does not sign"],
  ["fixedTPM", "it may be moved to another TPM"],
  ["fixedParent", "it may be duplicated"],
  ["sensitiveDataOrigin", "its private part was not made by the TPM"],
];

function readAttributes(reader: TpmReader): ReadonlySet<ObjectAttribute> {
  const bits = reader.u32();
  const known = Object.entries(objectAttributes).filter(([, bit]) => (bits & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left - bit, bits);
  if (rest !== 0) throw reader.refuse("reserved attributes are set", "0", name(rest));
  return new Set(known.map(([attribute]) => attribute as ObjectAttribute));
}

/** Parameters and unique part (TPMU_PUBLIC_PARMS, TPMU_PUBLIC_ID). */
function readKey(reader: TpmReader, type: number): Pick<PublicArea, "spki" | "suite"> {
  if (type === tpmAlgorithm.rsa) return readRsa(reader);
  if (type === tpmAlgorithm.ecc) return readEcc(reader);
  throw reader.refuse("a key of another kind", "RSA or ECC", name(type));
}

function readRsa(reader: TpmReader): Pick<PublicArea, "spki" | "suite"> {
  skipSymmetric(reader);
  const suite = readScheme(reader, {
    [tpmAlgorithm.rsassa]: "rsa-pkcs1-sha256",
    [tpmAlgorithm.rsapss]: "rsa-pss-sha256",
  });
  const bits = reader.u16();
  if (bits !== 2048 && bits !== 3072) throw reader.refuse("an RSA key of another size", "2048 or 3072 bits", `${bits}`);
  const exponent = reader.u32();
  if (exponent !== 0 && exponent !== 65537)
    throw reader.refuse("an RSA key with another exponent", "65537", `${exponent}`);
  const modulus = reader.sized(bits / 8);
  if (modulus.length !== bits / 8)
    throw reader.refuse("a modulus of another length", `${bits / 8}`, `${modulus.length}`);
  const key = sequence(unsignedInteger(modulus), unsignedInteger(Uint8Array.of(1, 0, 1)));
  return { suite, spki: sequence(sequence(objectIdentifier(oid.rsaEncryption), derNull), bitString(key)) };
}

function readEcc(reader: TpmReader): Pick<PublicArea, "spki" | "suite"> {
  skipSymmetric(reader);
  const suite = readScheme(reader, { [tpmAlgorithm.ecdsa]: "ecdsa-p256-sha256" });
  const curve = reader.u16();
  if (curve !== tpmP256) throw reader.refuse("another curve", "P-256", name(curve));
  const kdf = reader.u16();
  if (kdf !== tpmAlgorithm.null) throw reader.refuse("a key derivation scheme", "none", name(kdf));
  const point = concat([Uint8Array.of(4), coordinate(reader.sized(32)), coordinate(reader.sized(32))]);
  const algorithm = sequence(objectIdentifier(oid.ecPublicKey), objectIdentifier(oid.p256));
  return { suite, spki: sequence(algorithm, bitString(point)) };
}

/** TPMs may leave zeros in front out. */
function coordinate(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(32);
  padded.set(bytes, 32 - bytes.length);
  return padded;
}

/** TPMT_SYM_DEF_OBJECT: none, or AES in CFB, which storage keys have. */
function skipSymmetric(reader: TpmReader): void {
  const algorithm = reader.u16();
  if (algorithm === tpmAlgorithm.null) return;
  if (algorithm !== tpmAlgorithm.aes) throw reader.refuse("another cipher", "none or AES", name(algorithm));
  const bits = reader.u16();
  const mode = reader.u16();
  if (![128, 256].includes(bits) || mode !== tpmAlgorithm.cfb) {
    throw reader.refuse("another cipher", "AES-128 or AES-256 in CFB", `${bits} bits, mode ${name(mode)}`);
  }
}

function readScheme(reader: TpmReader, suites: Readonly<Record<number, SuiteName>>): SuiteName | undefined {
  const scheme = reader.u16();
  if (scheme === tpmAlgorithm.null) return undefined;
  if (!Object.hasOwn(suites, scheme))
    throw reader.refuse("another scheme", "one of those that are read here", name(scheme));
  const hash = reader.u16();
  return hash === tpmAlgorithm.sha256 ? suites[scheme] : undefined;
}

function name(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(4, "0")}`;
}
