/**
 * What a TPM says, made by a key in software: right throughout, or wrong in one thing. So can a liar who holds such a key, which is why a quote
 * alone says nothing of a device. Real TPMs are in `test/hardware/tpm`.
 */

import { selection, sized, u8, u16, u32 } from "../../../hardware/tpm/tpm-writer.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { attestationNonce, type TpmAttestation } from "../../../manifests/attest/attestation.ts";
import type { DeviceRecord } from "../../../manifests/attest/device-record.ts";
import { objectAttributes as bit } from "../../../manifests/attest/public-area.ts";
import { base64, concat, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { DerReader, tag } from "../../../manifests/encoding/der-read.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import { newKey, signWith } from "../../pki/keys.ts";

export const akAttributes =
  bit.fixedTPM | bit.fixedParent | bit.sensitiveDataOrigin | bit.userWithAuth | bit.noDA | bit.restricted | bit.sign;

const ekAttributes =
  bit.fixedTPM | bit.fixedParent | bit.sensitiveDataOrigin | bit.adminWithPolicy | bit.restricted | bit.decrypt;

/** One key for all tests of a file, and another one. */
export const paperKey = newKey("ecdsa-p256-sha256");
export const otherKey = newKey("ecdsa-p256-sha256");
type Key = typeof paperKey;

/** TPMT_PUBLIC of a P-256 key with ECDSA and SHA-256. */
export function akPublic(key: Key = paperKey, attributes = akAttributes, scheme = [0x18, 0x0b]): Uint8Array {
  return concat([
    ...[u16(0x23), u16(0x0b), u32(attributes), u16(0), u16(0x10)],
    ...[...scheme.map(u16), u16(3), u16(0x10)],
    ...pointOf(key).map(sized),
  ]);
}

export function ekPublic(key: Key = otherKey): Uint8Array {
  const head = [u16(0x23), u16(0x0b), u32(ekAttributes), sized(new Uint8Array(32))];
  const rest = [u16(6), u16(128), u16(0x43), u16(0x10), u16(3), u16(0x10)];
  return concat([...head, ...rest, ...pointOf(key).map(sized)]);
}

export function nameHex(publicArea: Uint8Array): string {
  return `000b${hex(sha256(publicArea))}`;
}

/** Of a primary key of the endorsement hierarchy. */
export function qualifiedName(publicArea: Uint8Array): string {
  return `000b${hex(sha256(concat([u32(0x4000000b), Uint8Array.fromHex(nameHex(publicArea))])))}`;
}

export interface QuoteParts {
  readonly magic?: number;
  readonly type?: number;
  readonly signer?: string;
  readonly nonce: Uint8Array;
  readonly pcrs: readonly number[];
  readonly values: readonly Uint8Array[];
  /** in place of TPML_PCR_SELECTION */
  readonly selected?: Uint8Array;
}

/** TPMS_ATTEST of a quote. */
export function quoteBytes({
  magic = 0xff544347,
  type = 0x8018,
  nonce,
  pcrs,
  selected,
  signer,
  values,
}: QuoteParts): Uint8Array {
  return concat([
    ...[u32(magic), u16(type), sized(Uint8Array.fromHex(signer ?? qualifiedName(akPublic()))), sized(nonce)],
    ...[u32(0), u32(54_321), u32(3), u32(1), u8(1)],
    ...[u32(0x20191023), u32(0x00163636)],
    ...[selected ?? selection("sha256", pcrs), sized(sha256(concat(values)))],
  ]);
}

/** TPMT_SIGNATURE: ECDSA with SHA-256. */
export function tpmSignature(message: Uint8Array, key: Key = paperKey): Uint8Array {
  const reader = DerReader.open(signWith(key, "ecdsa-p256-sha256", message), tag.sequence, "DER");
  const numbers = [reader.unsigned(), reader.unsigned()].map((number) =>
    number[0] === 0 ? number.subarray(1) : number,
  );
  return concat([u16(0x18), u16(0x0b), ...numbers.map(sized)]);
}

export interface LoggedDigest {
  readonly pcr: number;
  readonly text: string;
  /** EV_POST_CODE unless said */
  readonly type?: number;
}

const le16 = (value: number) => Uint8Array.of(value, value >>> 8);
const le32 = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

/** A crypto-agile event log with SHA-1 and SHA-256, the digest of each event that of its text. */
export function eventLog(events: readonly LoggedDigest[]): Uint8Array {
  const spec = concat([
    ...[utf8("Spec ID Event03\0"), le32(0), Uint8Array.of(0, 2, 0, 2), le32(2)],
    ...[le16(4), le16(20), le16(0x0b), le16(32), u8(0)],
  ]);
  const first = concat([le32(0), le32(3), new Uint8Array(20), le32(spec.length), spec]);
  const rest = events.map(({ pcr, text, type = 1 }) => {
    const digests = [le16(4), new Uint8Array(20).fill(1), le16(0x0b), sha256(utf8(text))];
    return concat([le32(pcr), le32(type), le32(2), ...digests, le32(utf8(text).length), utf8(text)]);
  });
  return concat([first, ...rest]);
}

/** A line of IMA's log: template ima-ng; `violation`: the file changed while it was measured. */
export function imaLine(path: string, violation = false): { readonly line: Uint8Array; readonly digest: Uint8Array } {
  const field = (bytes: Uint8Array) => concat([le32(bytes.length), bytes]);
  const data = concat([field(concat([utf8("sha256:\0"), sha256(utf8(path))])), field(utf8(`${path}\0`))]);
  const sha1 = new Uint8Array(20).fill(violation ? 0 : 9);
  const line = concat([le32(10), sha1, field(utf8("ima-ng")), field(data)]);
  return { line, digest: violation ? new Uint8Array(32).fill(0xff) : sha256(data) };
}

export function extend(before: Uint8Array, digest: Uint8Array): Uint8Array {
  return sha256(concat([before, digest]));
}

export const bootEvents: readonly LoggedDigest[] = [
  { pcr: 0, text: "firmware 1.2" },
  { pcr: 4, text: "boot loader" },
  { pcr: 4, text: "kernel" },
  { pcr: 7, text: "secure boot on" },
];

/** What PCRs hold after the events; zeros where none was. */
export function valueAfter(events: readonly LoggedDigest[], pcr: number): Uint8Array {
  return events
    .filter((one) => one.pcr === pcr && one.type !== 3)
    .reduce((value, { text }) => extend(value, sha256(utf8(text))), new Uint8Array(32) as Uint8Array);
}

/** Steps that a test may change. */
export interface Forging {
  readonly key?: Key;
  readonly attributes?: number;
  readonly nonce?: (right: Uint8Array) => Uint8Array;
  readonly quote?: Partial<QuoteParts>;
  readonly signedBy?: Key;
  readonly log?: Uint8Array;
  readonly ima?: Uint8Array;
  readonly pcrs?: ReadonlyMap<number, Uint8Array>;
  readonly attestation?: (right: TpmAttestation) => TpmAttestation;
}

export const bootPcrs: ReadonlyMap<number, Uint8Array> = new Map(
  [0, 4, 7, 12].map((pcr) => [pcr, valueAfter(bootEvents, pcr)]),
);
export const bootLog = eventLog(bootEvents);

/** An attestation with this nonce, and the logs that it names. */
export function forgeAttestation(nonce: Uint8Array, forging: Forging = {}): TpmAttestation {
  const { attributes, ima, key = paperKey, log = bootLog, pcrs = bootPcrs, signedBy = key } = forging;
  const publicArea = akPublic(key, attributes);
  const quote = quoteBytes({
    nonce: (forging.nonce ?? ((right) => right))(nonce),
    pcrs: [...pcrs.keys()],
    values: [...pcrs.values()],
    signer: qualifiedName(publicArea),
    ...forging.quote,
  });
  const named = (bytes: Uint8Array) => ({ digest: hex(sha256(bytes)), size: bytes.length });
  const right: TpmAttestation = {
    ak: { name: nameHex(publicArea), public: base64(publicArea) },
    bank: "sha256",
    kind: "tpm",
    logs: { event: named(log), ...(ima ? { ima: named(ima) } : {}) },
    pcrs: [...pcrs].map(([index, value]) => ({ digest: hex(value), index })),
    quote: base64(quote),
    signature: base64(tpmSignature(quote, signedBy)),
    through: "device",
  };
  return forging.attestation?.(right) ?? right;
}

/** The manifest with the label and an attestation of it. */
export async function attested(manifest: Manifest, forging: Forging = {}): Promise<Manifest> {
  const labelled: Manifest = { ...manifest, labels: { ...manifest.labels, attestation: "tpm" } };
  return { ...labelled, attestation: forgeAttestation(await attestationNonce(nodeHost, labelled), forging) };
}

/** The record of the device that the paper key says it lives in. */
export function paperDevice(key: Key = paperKey): DeviceRecord {
  const publicArea = akPublic(key);
  return {
    ak: { name: nameHex(publicArea), public: base64(publicArea), qualifiedName: qualifiedName(publicArea) },
    appliance: "box-1",
    ek: { certificate: null, public: base64(ekPublic()) },
    enrolled: "2026-11-01T09:00:00Z",
    handle: 0x81010002,
    manufacturer: "PAPR",
    through: "device",
    type: "device",
    version: 1,
  };
}

function pointOf(key: Key): readonly [Uint8Array, Uint8Array] {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return [new Uint8Array(Buffer.from(x, "base64url")), new Uint8Array(Buffer.from(y, "base64url"))];
}
