/** The keys that attesting needs, as their hierarchy's seed makes them from a template (TPMT_PUBLIC). */

import { objectAttributes as bit } from "../../manifests/attest/public-area.ts";
import { tpmAlgorithm, tpmP256 } from "../../manifests/attest/tpm-algorithms.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { empty, sized, u16, u32 } from "./tpm-writer.ts";

export type EndorsementKind = "ecc" | "rsa";

/** PolicySecret of the endorsement hierarchy (EK Credential Profile, PolicyA with SHA-256). */
const endorsementPolicy = Uint8Array.fromHex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa");

const endorsementAttributes =
  bit.fixedTPM | bit.fixedParent | bit.sensitiveDataOrigin | bit.adminWithPolicy | bit.restricted | bit.decrypt;

const aes128Cfb = concat([u16(tpmAlgorithm.aes), u16(128), u16(tpmAlgorithm.cfb)]);

/** The endorsement keys that makers certify: L-1 (RSA-2048) and L-2 (P-256) (EK Credential Profile, annex B). */
export const endorsementTemplates: Readonly<Record<EndorsementKind, Uint8Array>> = {
  ecc: concat([
    head(tpmAlgorithm.ecc, endorsementAttributes),
    sized(endorsementPolicy),
    aes128Cfb,
    u16(tpmAlgorithm.null),
    u16(tpmP256),
    u16(tpmAlgorithm.null),
    sized(new Uint8Array(32)),
    sized(new Uint8Array(32)),
  ]),
  rsa: concat([
    head(tpmAlgorithm.rsa, endorsementAttributes),
    sized(endorsementPolicy),
    aes128Cfb,
    u16(tpmAlgorithm.null),
    u16(2048),
    u32(0),
    sized(new Uint8Array(256)),
  ]),
};

/** NV indices of their certificates (2.2.1.4, "Low Range"). */
export const endorsementCertificates: Readonly<Record<EndorsementKind, number>> = { ecc: 0x01c0000a, rsa: 0x01c00002 };

/** The attestation key that enrolling makes: ECDSA P-256 with SHA-256, restricted to what the TPM itself says. */
export const attestationTemplate = concat([
  head(
    tpmAlgorithm.ecc,
    bit.fixedTPM | bit.fixedParent | bit.sensitiveDataOrigin | bit.userWithAuth | bit.noDA | bit.restricted | bit.sign,
  ),
  empty,
  u16(tpmAlgorithm.null),
  concat([u16(tpmAlgorithm.ecdsa), u16(tpmAlgorithm.sha256)]),
  u16(tpmP256),
  u16(tpmAlgorithm.null),
  empty,
  empty,
]);

function head(type: number, attributes: number): Uint8Array {
  return concat([u16(type), u16(tpmAlgorithm.sha256), u32(attributes)]);
}
