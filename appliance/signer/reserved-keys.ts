/**
 * The certificates that a reservation is sealed under: those of the day it was made and, where one expired before the end,
 * those that the box has since for the same keys. Each seal keeps the certificate that its intent names. An abort is told of by the
 * audit key in force, whichever that is by then: the one of the reservation may be lost or revoked.
 */

import { sha256 } from "../../host/crypto-host.ts";
import { type SuiteName, suiteOf } from "../../manifests/cms/suite.ts";
import { equal, fromBase64, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Box, now } from "./box.ts";
import { type BoxKey, type BoxKeys, certifiedKey } from "./keys.ts";
import type { Reservation } from "./reserve.ts";
import { keyAtHand } from "./standing.ts";
import type { Db } from "./store.ts";

/** Keys of the documents from index `from` on. */
export interface KeyPeriod {
  readonly from: number;
  readonly keys: BoxKeys;
}

/** The sealing key as document `index` is sealed by it. */
export function sealingKey({ periods }: Pick<Reservation, "periods">, index: number): BoxKey {
  return (periods.findLast(({ from }) => from <= index) as KeyPeriod).keys.sealing;
}

/** Refuses with PATH-TIME or PATH-REVOKED when a certificate of a key's chain does not count at `at`. */
export function checkCertificates({ chain }: BoxKey, policy: Policy, at: Utc): void {
  for (const der of chain) {
    const { notBefore, notAfter, subjectText: about } = readCertificate(der);
    if (policy.revoked.includes(hex(sha256(der)))) {
      throw new Refusal("PATH-REVOKED", "the policy revokes a certificate of the box", { about });
    }
    if (at >= notBefore && at <= notAfter) continue;
    const detail = { about, expected: `${notBefore} to ${notAfter}`, got: at };
    throw new Refusal("PATH-TIME", "a certificate of the box is not valid now: renew it in signer.json", detail);
  }
}

/** The periods of a reservation, as stored: judged by nothing. */
export function storedPeriods(db: Db, number: number): readonly KeyPeriod[] {
  const rows = db
    .prepare<[number, number], PeriodRow>(
      `SELECT 1 AS 'from', suite, audit_suite AS auditSuite, certificates, 0 AS id FROM reservations WHERE number = ?
       UNION ALL SELECT n.idx, r.suite, n.audit_suite, n.certificates, n.id
       FROM renewals n JOIN reservations r USING (number) WHERE number = ? ORDER BY 5`,
    )
    .all(number, number);
  return rows.map(({ from, suite, auditSuite, certificates }) => {
    const [sealing, audit] = (JSON.parse(certificates) as string[][]).map((chain) => chain.map(fromBase64));
    return {
      from,
      keys: {
        sealing: certifiedKey(sealing as Uint8Array[], suiteOf(suite)),
        audit: certifiedKey(audit as Uint8Array[], suiteOf(auditSuite)),
      },
    };
  });
}

interface PeriodRow {
  readonly from: number;
  readonly suite: SuiteName;
  readonly auditSuite: SuiteName;
  readonly certificates: string;
}

/** Both chains, as the store keeps them. */
export function chainsText({ sealing, audit }: BoxKeys): string {
  return canonical([sealing, audit].map(({ chain }) => chain.map((der) => der.toBase64())));
}

/** SHA-256 of that, hex, for the journal. */
export function chainsDigest(keys: BoxKeys): string {
  return hex(sha256(utf8(chainsText(keys))));
}

/**
 * The reservation to go on with: where a certificate of it counts no more and the box has another of the same key that does, or where
 * another audit key came into force before an abort, the rest is done under that, durably from here on. Refuses nothing: what cannot be
 * renewed is refused before it is used.
 */
export function renewed(box: Box, reservation: Reservation): Reservation {
  const { number, batch, keys } = reservation;
  const from = nextIntent(box.db, number);
  // A manifest names the certificate of its last seal: once every intent stands, only an abort can use another.
  const mayReseal = from <= batch.count || box.batches.ending(batch) !== undefined;
  const { policy } = box.policies.byNumber(reservation.policy);
  const next = {
    sealing: mayReseal ? newer(box, keys.sealing, policy) : keys.sealing,
    audit: auditKey(box, reservation),
  };
  if (next.sealing === keys.sealing && next.audit === keys.audit) return reservation;
  box.db.transaction(() => {
    box.db
      .prepare("INSERT INTO renewals (number, idx, audit_suite, certificates) VALUES (?, ?, ?, ?)")
      .run(number, from, next.audit.suite.name, chainsText(next));
    box.record("renewed", {
      auditSuite: next.audit.suite.name,
      auditCertificate: hex(next.audit.certificateDigest),
      certificates: chainsDigest(next),
      from,
      number,
      sealingCertificate: hex(next.sealing.certificateDigest),
    });
  })();
  return { ...reservation, keys: next, periods: [...reservation.periods, { from, keys: next }] };
}

/** Another one than the reservation's only where a policy with another came into force since, which needs an abort. */
function auditKey(box: Box, { keys: { audit } }: Reservation): BoxKey {
  return equal(audit.spki, box.keys.audit.spki) ? newer(box, audit, box.policies.inForce.policy) : box.keys.audit;
}

/** The key with the newest certificates that the box has of it, where those that it had count no more and these do. */
export function newer(box: Box, old: BoxKey, policy: Policy): BoxKey {
  const atHand = keyAtHand(box.configured, box.orders.standing, old.spki);
  if (!atHand || atHand.chain.length === 0 || counts(box, old, policy)) return old;
  const again = certifiedKey(atHand.chain, old.suite);
  return counts(box, again, policy) ? again : old;
}

function counts(box: Box, key: BoxKey, policy: Policy): boolean {
  try {
    checkCertificates(key, policy, now(box));
    return true;
  } catch (fault) {
    if (fault instanceof Refusal) return false;
    throw fault;
  }
}

function nextIntent(db: Db, number: number): number {
  return db
    .prepare<[number], number>("SELECT coalesce(max(idx), 0) + 1 FROM intents WHERE number = ?")
    .pluck()
    .get(number) as number;
}
