/** A TPM's attestation of a nonce: quoted, checked as a verifier will check it, with the logs that explain it. */

import type { LogName, TpmAttestation } from "../../manifests/attest/attestation.ts";
import { checkEventLog, checkImaLog, checkQuote } from "../../manifests/attest/check-quote.ts";
import { coveredByIma, imaPcr } from "../../manifests/attest/ima-log.ts";
import { nameOf } from "../../manifests/attest/public-area.ts";
import type { PcrBank } from "../../manifests/attest/tpm-algorithms.ts";
import { base64, hex } from "../../manifests/encoding/bytes.ts";
import type { Host } from "../../manifests/host.ts";
import type { TpmPlace } from "./connection.ts";
import { type LogPaths, readQuoteAnswer } from "./job.ts";
import { askTpm } from "./tpm-process.ts";

export interface Quoting {
  readonly place: TpmPlace;
  readonly handle: number;
  readonly bank: PcrBank;
  /** ascending */
  readonly pcrs: readonly number[];
  readonly logs: LogPaths;
  /** how long the TPM may take */
  readonly seconds: number;
}

export interface Quoted {
  readonly attestation: TpmAttestation;
  readonly logs: ReadonlyMap<LogName, Uint8Array>;
}

/** Refuses TPM-GONE, TPM-FAULT, and QUOTE-* whatever a verifier would not take. */
export function tpmQuoter(host: Host, quoting: Quoting): (nonce: Uint8Array) => Promise<Quoted> {
  const { bank, handle, logs, pcrs, place, seconds } = quoting;
  return async (nonce) => {
    const job = { job: "quote", bank, handle, logs, nonce: base64(nonce), pcrs } as const;
    const answer = readQuoteAnswer(await askTpm(place, job, seconds), "the TPM's answer");
    const bare: TpmAttestation = {
      ak: { name: await nameOf(host, answer.publicArea), public: base64(answer.publicArea) },
      bank,
      kind: "tpm",
      logs: {},
      pcrs: pcrs.map((index, at) => ({ digest: answer.values[at] as string, index })),
      quote: base64(answer.quote),
      signature: base64(answer.signature),
      through: "device" in place ? "device" : "socket",
    };
    await checkQuote(host, bare, nonce);
    const kept = await keptLogs(host, bare, answer.logs);
    const named: Record<string, { digest: string; size: number }> = {};
    for (const [name, bytes] of kept) {
      named[name] = { digest: hex(await host.digest("sha256", bytes)), size: bytes.length };
    }
    return { attestation: { ...bare, logs: named }, logs: kept };
  };
}

/** The firmware's log whole; of IMA's, which goes on growing, what the quote covers. */
async function keptLogs(
  host: Host,
  attestation: TpmAttestation,
  { event, ima }: { readonly event?: Uint8Array; readonly ima?: Uint8Array },
): Promise<ReadonlyMap<LogName, Uint8Array>> {
  const kept = new Map<LogName, Uint8Array>();
  if (event) {
    await checkEventLog(host, attestation, event);
    kept.set("event", event);
  }
  if (ima) {
    const value = attestation.pcrs.find(({ index }) => index === imaPcr)?.digest ?? "";
    const covered = await coveredByIma(host, ima, attestation.bank, Uint8Array.fromHex(value));
    const part = ima.subarray(0, covered ?? ima.length);
    await checkImaLog(host, attestation, part);
    kept.set("ima", part);
  }
  return kept;
}
