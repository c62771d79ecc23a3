/** What a TPM's process is asked to do, and what it answers. */

import type { LogName } from "../../manifests/attest/attestation.ts";
import { logLimit } from "../../manifests/attest/event-log.ts";
import type { PcrBank } from "../../manifests/attest/tpm-algorithms.ts";
import {
  base64Bytes,
  hexText,
  list,
  nullable,
  object,
  optional,
  type Read,
  text,
} from "../../manifests/encoding/shape.ts";
import type { TpmPlace } from "./connection.ts";

/** Where the kernel's logs of what was measured are; those that are kept. */
export type LogPaths = { readonly [Name in LogName]?: string | undefined };

export interface QuoteJob {
  readonly job: "quote";
  /** persistent handle of the attestation key */
  readonly handle: number;
  readonly bank: PcrBank;
  readonly pcrs: readonly number[];
  /** base64 */
  readonly nonce: string;
  readonly logs: LogPaths;
}

/** What enrolling reads; an attestation key is made and kept at the handle where nothing is there. */
export interface LookJob {
  readonly job: "look";
  readonly handle: number;
}

/** Takes a secret out of a credential, as only this TPM can. */
export interface ActivateJob {
  readonly job: "activate";
  readonly handle: number;
  readonly endorsement: "ecc" | "rsa";
  /** base64 */
  readonly blob: string;
  readonly secret: string;
}

export type TpmJob = QuoteJob | LookJob | ActivateJob;

export interface TpmOrder {
  readonly place: TpmPlace;
  readonly job: TpmJob;
}

const bytes = base64Bytes(4096);

export const readQuoteAnswer = object({
  logs: object({ event: optional(base64Bytes(logLimit)), ima: optional(base64Bytes(logLimit)) }),
  publicArea: bytes,
  quote: bytes,
  signature: bytes,
  values: list(hexText(32, 48, 64), 1, 24),
});
export type QuoteAnswer = Read<typeof readQuoteAnswer>;

export const readLookAnswer = object({
  /** TPMT_PUBLIC and Names, base64 */
  attestation: object({ name: bytes, publicArea: bytes, qualifiedName: bytes }),
  endorsement: object({
    /** X.509, as its maker left it in the TPM; null where none is there */
    certificate: nullable(bytes),
    kind: text(3, { pattern: /^(ecc|rsa)$/ }),
    publicArea: bytes,
  }),
  manufacturer: text(4, { min: 0 }),
});
export type LookAnswer = Read<typeof readLookAnswer>;

export const readActivateAnswer = object({ secret: bytes });
