/** What a manifest says of the machine that made it (docs/formats.md, "attestation"): a TPM's quote, or the box's own word, labelled as such. */

import { canonicalBytes, type Json } from "../encoding/canonical-json.ts";
import {
  base64Bytes,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
} from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { logLimit } from "./event-log.ts";
import { publicAreaLimit } from "./public-area.ts";
import { quoteLimit } from "./quote.ts";
import { pcrBanks, pcrCount } from "./tpm-algorithms.ts";

/** Base64 stays text in a record: what is read is written again as it was. */
export const base64Text =
  (most: number): Reader<string> =>
  (value, path) => {
    base64Bytes(most)(value, path);
    return value as string;
  };

const readLog = object({ digest: hexText(), size: integer(1, logLimit) });

const readTpm = object({
  /** TPMT_PUBLIC and Name of the key that signed the quote */
  ak: object({ name: text(68, { min: 68, pattern: /^000b[0-9a-f]{64}$/ }), public: base64Text(publicAreaLimit) }),
  bank: oneOf(pcrBanks),
  kind: literal("tpm"),
  /** logs that explain the values, kept as `evidence/event-log.bin` and `evidence/ima-log.bin` */
  logs: object({ event: optional(readLog), ima: optional(readLog) }),
  /** by index, ascending */
  pcrs: list(object({ digest: hexText(32, 48, 64), index: integer(0, pcrCount - 1) }), 1, pcrCount),
  /** TPMS_ATTEST */
  quote: base64Text(quoteLimit),
  /** TPMT_SIGNATURE */
  signature: base64Text(quoteLimit),
  /** `socket`: SIMULATED, a program in the place of a TPM */
  through: oneOf(["device", "socket"]),
});

const readSelfReported = object({
  /** of this start of the machine, as the kernel says it */
  boot: text(64),
  kernel: text(400),
  kind: literal("self-reported"),
  runtime: text(64),
  /** why there is no quote: none was configured (null), or what the TPM did not do */
  tpm: nullable(text(400)),
});

export type TpmAttestation = Read<typeof readTpm>;
export type SelfReported = Read<typeof readSelfReported>;
export type Attestation = TpmAttestation | SelfReported;

/** Refuses SHAPE. */
export const readAttestation: Reader<Attestation> = (value, path) =>
  (value as { readonly kind?: Json } | null | undefined)?.kind === "self-reported"
    ? readSelfReported(value, path)
    : readTpm(value, path);

/** Names of the logs in the bundle's `evidence/`. */
export const logFiles = { event: "event-log.bin", ima: "ima-log.bin" } as const;
export type LogName = keyof typeof logFiles;

/** The logs that an attestation names: paths in the bundle, with their digests. */
export function namedLogs(
  attestation: Attestation | undefined,
): readonly { readonly name: LogName; readonly path: string; readonly digest: string; readonly size: number }[] {
  if (attestation?.kind !== "tpm") return [];
  const { logs } = attestation;
  return (Object.keys(logFiles) as LogName[]).flatMap((name) => {
    const named = logs[name];
    return named ? [{ ...named, name, path: `evidence/${logFiles[name]}` }] : [];
  });
}

/** Whether a path in a bundle is that of a log. */
export function isLog(path: string): boolean {
  return Object.values(logFiles).some((name) => path === `evidence/${name}`);
}

/** SHA-256 of the canonical JSON of a manifest without its member `attestation`: what a TPM's quote holds as nonce. */
export function attestationNonce(
  host: Host,
  manifest: { readonly attestation?: Attestation | undefined },
): Promise<Uint8Array> {
  const { attestation: _, ...rest } = manifest;
  return host.digest("sha256", canonicalBytes(rest as Json));
}
