/** What a policy's ledger must be by itself, beyond its members' shapes; and its keys, as a reader of the log trusts them. */

import { equal } from "../encoding/bytes.ts";
import { ownOids } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { checkLogTrust, type LogTrust } from "../log/checkpoint.ts";
import { readVerifierKey } from "../log/verifier-key.ts";
import { Refusal } from "../refusal.ts";
import { type Certificate, readCertificate } from "../x509/certificate.ts";
import { keyEntries } from "./key-purpose.ts";
import { keyIdentity } from "./person.ts";
import type { Policy } from "./policy.ts";
import type { LedgerRules } from "./policy-ledger.ts";

/**
 * Refuses with SHAPE rules that contradict themselves or name a key of the box or of a person for acknowledgements; PATH-USAGE a certificate that is not for
 * them. Whether the keys of log and witnesses can be read is `ledgerTrust`'s matter.
 */
export function checkLedgerRules(policy: Pick<Policy, "arc" | "keys" | "ledger" | "people">): void {
  const { arc, keys, ledger, people } = policy;
  if (!ledger) return;
  const certificate = readCertificate(ledger.acknowledgement);
  checkAcknowledging(certificate, ownOids(arc).acknowledging);
  const own = keyIdentity(certificate.spki);
  const ofBox = keyEntries(keys).some(([, spki]) => equal(spki, certificate.spki));
  const ofPerson = people.some(({ certificates }) =>
    certificates.some((der) => keyIdentity(readCertificate(der).spki) === own),
  );
  if (ofBox || ofPerson) {
    throw new Refusal("SHAPE", "policy.ledger: the key for acknowledgements is the box's or a person's");
  }
  if (ledger.cosignatures > ledger.witnesses.length) {
    throw new Refusal("SHAPE", "policy.ledger: more cosignatures are asked for than witnesses are named", {
      expected: `at most ${ledger.witnesses.length}`,
      got: `${ledger.cosignatures}`,
    });
  }
}

/** Refuses with PATH-USAGE a certificate that is a CA's, may not sign, or lacks the extended key usage. */
export function checkAcknowledging(certificate: Certificate, extendedKeyUsage: string): void {
  const about = certificate.subjectText;
  const usage = certificate.keyUsage ?? [];
  if (certificate.isCa || !(usage.includes("digitalSignature") || usage.includes("nonRepudiation"))) {
    throw new Refusal("PATH-USAGE", "not a certificate for signatures of a ledger", { about });
  }
  if (certificate.extendedKeyUsage.includes(extendedKeyUsage)) return;
  throw new Refusal("PATH-USAGE", "the extended key usage is missing", { about, expected: extendedKeyUsage });
}

/** The keys that the rules name, as a reader of the log trusts them. Refuses with LOG-NOTE keys that cannot be read or stand twice, SHAPE a log key of another name than the origin. */
export async function ledgerTrust(host: Host, rules: LedgerRules): Promise<LogTrust> {
  const log = await readVerifierKey(host, rules.checkpointKey, "ed25519");
  if (log.name !== rules.origin) {
    throw new Refusal("SHAPE", "policy.ledger.checkpointKey: not the key of the log that is named", {
      expected: rules.origin,
      got: log.name,
    });
  }
  const witnesses = await Promise.all(rules.witnesses.map((text) => readVerifierKey(host, text, "cosignature/v1")));
  const trust = { log, witnesses, cosignatures: rules.cosignatures };
  checkLogTrust(trust);
  return trust;
}

/** Refuses as `ledgerTrust` a policy whose ledger's keys cannot be read: what it promises could never be kept. */
export async function checkLedgerKeys(host: Host, { ledger }: Pick<Policy, "ledger">): Promise<void> {
  if (ledger) await ledgerTrust(host, ledger);
}
