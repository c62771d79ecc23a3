import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { readAttestation, type TpmAttestation } from "../../../manifests/attest/attestation.ts";
import { checkEventLog, checkImaLog, checkQuote } from "../../../manifests/attest/check-quote.ts";
import { type DeviceRecord, deviceRecordBytes, readDeviceRecord } from "../../../manifests/attest/device-record.ts";
import { readPublicArea } from "../../../manifests/attest/public-area.ts";
import { readQuote, readTpmSignature } from "../../../manifests/attest/quote.ts";
import { concat, equal, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import {
  akPublic,
  bootLog,
  ekPublic,
  extend,
  forgeAttestation,
  imaLine,
  paperDevice,
  quoteBytes,
  tpmSignature,
} from "../../manifests/attest/paper-tpm.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const nonce = sha256(utf8("a manifest"));
const line = imaLine("/usr/bin/node");
const measured = new Map([[10, extend(new Uint8Array(32), line.digest)] as const, [12, new Uint8Array(32)] as const]);
const right = forgeAttestation(nonce, { pcrs: measured, ima: line.line });

/** A manifest's member `attestation`, whose quote is checked. */
export const attestationTarget: Target = {
  name: "attestation",
  seeds: async () => [
    canonicalBytes(right as Json),
    canonicalBytes({ boot: "1", kernel: "Linux", kind: "self-reported", runtime: "v26", tpm: null }),
  ],
  mutate: mutateJson,
  run: async (input) => {
    const attestation = readAttestation(readCanonical(input), "attestation");
    return attestation.kind === "tpm"
      ? { attestation, quote: await checkQuote(nodeHost, attestation, nonce) }
      : { attestation };
  },
  after: (_, result) => {
    const { attestation } = result as { readonly attestation: TpmAttestation };
    if (attestation.kind === "tpm" && hex(nonce) !== hex(readQuote(Uint8Array.fromBase64(attestation.quote)).nonce)) {
      throw new Broken("a quote with another nonce");
    }
  },
};

/** The TPM's structures and the logs, each by itself; the first byte says which. */
export const tpmStructures: Target = {
  name: "tpm-structures",
  seeds: async () => {
    const quote = quoteBytes({ nonce, pcrs: [0, 7], values: [nonce, nonce] });
    const all = [akPublic(), ekPublic(), quote, tpmSignature(quote), bootLog, line.line];
    return all.map((bytes, at) => concat([Uint8Array.of(Math.max(0, at - 1)), bytes]));
  },
  mutate: mutateBytes,
  run: (input) => {
    const bytes = input.subarray(1);
    switch ((input[0] ?? 0) % 5) {
      case 0:
        return readPublicArea(bytes);
      case 1:
        return readQuote(bytes);
      case 2:
        return readTpmSignature(bytes);
      case 3:
        return checkEventLog(nodeHost, right, bytes);
      default:
        return checkImaLog(nodeHost, right, bytes);
    }
  },
};

export const deviceRecordTarget: Target = {
  name: "device-record",
  seeds: async () => [await deviceRecordBytes(nodeHost, paperDevice())],
  mutate: mutateJson,
  run: (input) => readDeviceRecord(nodeHost, input),
  after: async (input, record) => {
    if (!equal(await deviceRecordBytes(nodeHost, record as DeviceRecord), input))
      throw new Broken("a record reads to other members");
  },
};
