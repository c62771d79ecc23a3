/** `device.json` (docs/formats.md): which TPM a box has, written when its attestation key was proven to live in it. Nobody signs it: whoever takes it vouches for it. */

import { equal, fromBase64, hex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import { integer, literal, nullable, object, oneOf, type Read, text, utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { readCertificate } from "../x509/certificate.ts";
import { nameText } from "../x509/name.ts";
import { base64Text } from "./attestation.ts";
import { checkAttestationKey, nameOf, publicAreaLimit, readPublicArea } from "./public-area.ts";

const readName = text(68, { min: 68, pattern: /^000b[0-9a-f]{64}$/ });

const readRecord = object({
  /** attestation key: TPMT_PUBLIC, its Name, and its qualified Name, which quotes have */
  ak: object({ name: readName, public: base64Text(publicAreaLimit), qualifiedName: readName }),
  appliance: text(64),
  /** endorsement key: TPMT_PUBLIC, and its maker's certificate (X.509) where the TPM holds one */
  ek: object({ certificate: nullable(base64Text(4096)), public: base64Text(publicAreaLimit) }),
  enrolled: utc,
  /** persistent handle of the attestation key */
  handle: integer(0x81000000, 0x81ffffff),
  /** by the TCG's list of makers */
  manufacturer: text(4, { min: 0 }),
  through: oneOf(["device", "socket"]),
  type: literal("device"),
  version: literal(1),
});

export type DeviceRecord = Read<typeof readRecord>;

/** Most bytes of a record. */
export const deviceRecordLimit = 16384;

/** Reads a record's canonical JSON. Refuses JSON, SHAPE; QUOTE-FORM, QUOTE-KEY keys that are none, a Name that is another key's, and a certificate that is another key's. */
export async function readDeviceRecord(host: Host, bytes: Uint8Array): Promise<DeviceRecord> {
  const record = readRecord(readCanonical(bytes), "device");
  const publicArea = fromBase64(record.ak.public);
  checkAttestationKey(readPublicArea(publicArea));
  const name = await nameOf(host, publicArea);
  if (name !== record.ak.name) {
    throw new Refusal("QUOTE-KEY", "the record says another Name than its key has", {
      expected: name,
      got: record.ak.name,
    });
  }
  checkEndorsement(record);
  return record;
}

/** The canonical bytes of a record, read back before they are given out. */
export async function deviceRecordBytes(host: Host, record: DeviceRecord): Promise<Uint8Array> {
  const bytes = canonicalBytes(record as Json);
  await readDeviceRecord(host, bytes);
  return bytes;
}

/** Who certified the endorsement key, as its certificate says; the path is not looked at. Null where there is no certificate, or none that is read here. */
export function endorserOf({ ek }: DeviceRecord): string | null {
  return certificateOf(ek.certificate)?.issuerText ?? null;
}

/** An endorsement key decrypts only what the TPM makes of it, and its certificate, where that can be read, is of this very key. */
function checkEndorsement({ ek }: DeviceRecord): void {
  const { attributes, spki } = readPublicArea(fromBase64(ek.public));
  for (const attribute of ["fixedTPM", "fixedParent", "restricted", "decrypt"] as const) {
    if (attributes.has(attribute)) continue;
    throw new Refusal("QUOTE-KEY", "this is no endorsement key", { expected: attribute, got: "not set" });
  }
  const certificate = certificateOf(ek.certificate);
  if (!certificate || equal(certificate.spki, spki)) return;
  const detail = { expected: hex(spki), got: hex(certificate.spki) };
  throw new Refusal("QUOTE-KEY", "the endorsement key's certificate is of another key", detail);
}

/** Makers write extensions and keys that are not read here: then the certificate is kept, and says nothing. */
function certificateOf(base64: string | null): { readonly issuerText: string; readonly spki: Uint8Array } | undefined {
  if (base64 === null) return undefined;
  try {
    const { issuer, spki } = readCertificate(fromBase64(base64));
    return { issuerText: nameText(issuer), spki };
  } catch {
    return undefined;
  }
}
