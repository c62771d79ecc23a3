/** What a manifest says of the machine that made it, held against the TPM's quote, the logs beside it, and the device's record where the verifier has one. */

import { attestationNonce, isLog, namedLogs, type SelfReported, type TpmAttestation } from "../attest/attestation.ts";
import { checkEventLog, checkImaLog, checkQuote } from "../attest/check-quote.ts";
import { type DeviceRecord, endorserOf } from "../attest/device-record.ts";
import { logLimit } from "../attest/event-log.ts";
import type { Quote } from "../attest/quote.ts";
import { hex } from "../encoding/bytes.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Manifest } from "../records/manifest.ts";
import { Refusal } from "../refusal.ts";
import type { Work } from "./bundle-files.ts";
import { readSmall } from "./source.ts";
import { evidenceFolder } from "./time-evidence.ts";

/** What a verification says of it. Which software the values of PCRs stand for is nothing that it knows. */
export type AttestationVerdict =
  | { readonly kind: "none" }
  | SelfReported
  | {
      readonly kind: "tpm";
      /** the quote is by this key, over these values, and was asked for when this manifest was made. Nothing else of this counts where it is false */
      readonly proven: boolean;
      /** Name of the attestation key, hex */
      readonly key: string;
      readonly bank: TpmAttestation["bank"];
      readonly pcrs: TpmAttestation["pcrs"];
      /** PCRs whose values follow from a log that was kept; those of the others are values alone */
      readonly explained: readonly number[];
      /** SIMULATED where it is `socket` */
      readonly through: TpmAttestation["through"];
      /** by the TPM's own word */
      readonly firmware: string | null;
      readonly resets: number | null;
      readonly restarts: number | null;
      /** the record that binds the key to a device; null: none was presented, so that the key may be anybody's */
      readonly device: BoundDevice | null;
    };

export interface BoundDevice {
  readonly enrolled: Utc;
  readonly manufacturer: string;
  /** issuer of the endorsement key's certificate, whose path is not looked at; null where there is none that is read here */
  readonly endorser: string | null;
}

/** Checks it all. Refusals become findings of manifest.p7m, or of the log; a log that the manifest does not name, and one that is not the one it names, are findings too. */
export async function checkAttestation(
  work: Work,
  manifest: Manifest | undefined,
  blamed: string,
): Promise<AttestationVerdict> {
  const attestation = manifest?.attestation;
  await checkExtraLogs(work, attestation);
  if (!attestation) return { kind: "none" };
  if (attestation.kind === "self-reported") return attestation;
  const { findings, host, trust } = work;
  const quote = await findings.check(blamed, async () =>
    checkQuote(host, attestation, await attestationNonce(host, manifest)),
  );
  const explained = await checkLogs(work, attestation);
  const device =
    quote && trust.device && (await findings.check(blamed, () => bindTo(manifest, attestation, quote, trust.device)));
  return {
    kind: "tpm",
    proven: quote !== undefined,
    key: attestation.ak.name,
    bank: attestation.bank,
    pcrs: attestation.pcrs,
    explained,
    through: attestation.through,
    firmware: quote?.firmware ?? null,
    resets: quote?.clock.resets ?? null,
    restarts: quote?.clock.restarts ?? null,
    device: device ?? null,
  };
}

/** Refuses QUOTE-KEY a record of another appliance or another key. */
function bindTo(
  { appliance }: Manifest,
  { ak }: TpmAttestation,
  { qualifiedSigner }: Quote,
  record: DeviceRecord | undefined,
): BoundDevice | undefined {
  if (!record) return undefined;
  same("appliance", record.appliance, appliance);
  same("attestation key", record.ak.public, ak.public);
  same("qualified Name", record.ak.qualifiedName, qualifiedSigner);
  return { enrolled: record.enrolled, manufacturer: record.manufacturer, endorser: endorserOf(record) };
}

function same(what: string, expected: string, got: string): void {
  if (expected === got) return;
  throw new Refusal("QUOTE-KEY", `the device record is of another ${what}`, { expected, got });
}

const logChecks = { event: checkEventLog, ima: checkImaLog } as const;

/** PCRs that the logs give, ascending. */
async function checkLogs(work: Work, attestation: TpmAttestation): Promise<readonly number[]> {
  const explained: number[] = [];
  for (const { digest, name, path, size } of namedLogs(attestation)) {
    const given = await work.findings.check(path, async () => {
      const log = await readSmall(work.source, path, logLimit);
      const got = hex(await work.host.digest("sha256", log));
      if (got !== digest || log.length !== size) {
        throw new Refusal("MANIFEST-BIND", "this is not the file that the manifest names", { expected: digest, got });
      }
      return logChecks[name](work.host, attestation, log);
    });
    explained.push(...(given ?? []));
  }
  return explained.sort((a, b) => a - b);
}

async function checkExtraLogs({ findings, source }: Work, attestation: Manifest["attestation"]): Promise<void> {
  const named = namedLogs(attestation).map(({ path }) => path);
  // A folder that cannot be listed is a finding already.
  const there = await source.list(evidenceFolder).catch((): readonly string[] => []);
  for (const name of there) {
    const path = `${evidenceFolder}/${name}`;
    if (isLog(path) && !named.includes(path)) findings.add(path, "BUNDLE-FORM", "nothing covers this file");
  }
}
