/**
 * HONEST: what the box says of the machine it runs on, put into the manifest before that is signed: a TPM's quote whose nonce is the manifest without it, or
 * the box's own word, labelled as such. Composed anew with its manifest after a crash; once stored, it is never changed.
 */

import { sha256 } from "../../host/crypto-host.ts";
import type { Machine } from "../../host/machine.ts";
import { attestationNonce, type LogName, namedLogs, type TpmAttestation } from "../../manifests/attest/attestation.ts";
import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";
import type { Box } from "./box.ts";
import type { Db } from "./store.ts";

export interface Quoted {
  readonly attestation: TpmAttestation;
  readonly logs: ReadonlyMap<LogName, Uint8Array>;
}

/** How this box attests, as its configuration says. */
export interface Attesting {
  machine(): Machine;
  /** undefined: the box's own word alone */
  readonly tpm?: {
    /** Name of the attestation key that was enrolled, hex */
    readonly key: string;
    /** whether nothing may be sealed without a quote */
    readonly required: boolean;
    /** Refuses TPM-GONE within the time that is set, TPM-FAULT, and QUOTE-* what a verifier would not take. */
    quote(nonce: Uint8Array): Promise<Quoted>;
  };
}

export interface Attested {
  readonly manifest: Manifest;
  readonly logs: ReadonlyMap<LogName, Uint8Array>;
}

const noLogs: ReadonlyMap<LogName, Uint8Array> = new Map();
const longestReason = 400;

/** Before anything of a batch is signed: where a quote is required, the TPM gives one now. Refuses as `Attesting.quote`, QUOTE-KEY. */
export async function checkAttests({ attesting }: Pick<Box, "attesting">): Promise<void> {
  if (attesting?.tpm?.required) await quoteBy(attesting.tpm, crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * The manifest with its attestation and label, and the logs that it names. Where a quote is required and there is none, a manifest that says `sealed` is refused
 * as `checkAttests` does; an abort seals nothing, and is recorded without.
 */
export async function attest(
  { attesting, host }: Pick<Box, "attesting" | "host">,
  manifest: Manifest,
): Promise<Attested> {
  if (!attesting) return { manifest, logs: noLogs };
  const { tpm } = attesting;
  if (!tpm) return { manifest: selfReported(manifest, attesting.machine(), null), logs: noLogs };
  const labelled = labelledAs("tpm", manifest);
  try {
    const { attestation, logs } = await quoteBy(tpm, await attestationNonce(host, labelled));
    return { manifest: { ...labelled, attestation }, logs };
  } catch (thrown) {
    if (tpm.required && manifest.outcome === "sealed") throw thrown;
    const reason = inOneLine(asRefusal(thrown, "TPM-FAULT", "the TPM could not be asked").toRecord());
    return { manifest: selfReported(manifest, attesting.machine(), reason), logs: noLogs };
  }
}

/** Inside the transaction that stores the manifest. A log that is there already is kept once. */
export function storeLogs(db: Db, logs: ReadonlyMap<LogName, Uint8Array>): void {
  const insert = db.prepare(
    "INSERT INTO measurement_logs (digest, bytes) SELECT @digest, @bytes WHERE NOT EXISTS (SELECT 1 FROM measurement_logs WHERE digest = @digest)",
  );
  for (const bytes of logs.values()) insert.run({ digest: sha256(bytes), bytes });
}

/** The logs that a manifest names, as files of its bundle. Refuses CHAIN one that is gone or was changed. */
export function* logsOf(
  db: Db,
  { attestation, number }: Manifest,
): Generator<{ readonly path: string; readonly bytes: Uint8Array }> {
  for (const { digest, path } of namedLogs(attestation)) {
    const bytes = db
      .prepare<[Uint8Array], Uint8Array>("SELECT bytes FROM measurement_logs WHERE digest = ?")
      .pluck()
      .get(fromHex(digest));
    if (!bytes || hex(sha256(bytes)) !== digest) {
      throw new Refusal("CHAIN", `manifest ${number} names a log that is lost or was changed`, {
        about: `manifest ${number}`,
      });
    }
    yield { path, bytes };
  }
}

async function quoteBy({ key, quote }: NonNullable<Attesting["tpm"]>, nonce: Uint8Array): Promise<Quoted> {
  const quoted = await quote(nonce);
  const { name } = quoted.attestation.ak;
  if (name === key) return quoted;
  const detail = { expected: key, got: name };
  throw new Refusal("QUOTE-KEY", "the TPM quotes by another key than the one that was enrolled", detail);
}

function selfReported(manifest: Manifest, { boot, kernel, runtime }: Machine, tpm: string | null): Manifest {
  const said = tpm?.replace(/[^\x20-\x7e]/g, "?").slice(0, longestReason) ?? null;
  const attestation = { boot, kernel, kind: "self-reported", runtime, tpm: said } as const;
  return { ...labelledAs("self-reported", manifest), attestation };
}

function labelledAs(attestation: Manifest["labels"]["attestation"], manifest: Manifest): Manifest {
  return { ...manifest, labels: { ...manifest.labels, attestation } };
}
