/**
 * The refusal of a batch by intake or the daemon as a record: composed and journalled by the signer, signed by the audit
 * key when unlocked. What it says of the batch is theirs and stands under `reported` (HONEST).
 */

import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import { type RefusalFile, refusalFileBytes } from "../../manifests/records/refusal-record.ts";
import { asRefusal, Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import { type Box, checkSound, now } from "./box.ts";
import { signByAudit } from "./manifest.ts";
import type { Reported } from "./reported.ts";

export interface ToRefuse {
  readonly folder: string;
  readonly batchDigest: string | null;
  readonly code: RefusalCode;
  readonly message: string;
  readonly reported: Reported;
}

/**
 * Records a refusal; durable on return. `bytes` is refusal.p7m when signed, else refusal.json, marked as unsigned: the box
 * was locked, or the token failed. Refuses with CHAIN, and with BATCH-STATE the digest of a batch that has a manifest:
 * its answer is its receipt.
 */
export async function refuse(
  box: Box,
  { batchDigest, code, folder, message, reported: details }: ToRefuse,
): Promise<{ readonly signed: boolean; readonly bytes: Uint8Array }> {
  checkSound(box);
  const reported = { batchDigest, code, details, folder, message };
  const { head, created } = box.db.transaction(() => {
    if (batchDigest !== null) checkNoManifest(box, batchDigest);
    return { head: box.record("refused", { reported }), created: now(box) };
  })();
  const record: Omit<RefusalFile, "signed"> = {
    appliance: box.facts.appliance,
    created,
    journal: { head: hex(head.digest), sequence: head.sequence },
    policyDigest: hex(box.policies.inForce.digest),
    reported,
    type: "refusal",
    version: 1,
  };
  const unsigned = { signed: false, bytes: refusalFileBytes({ ...record, signed: false }) };
  if (!box.lockbox.unlocked) return unsigned;
  try {
    const content = refusalFileBytes({ ...record, signed: true });
    return { signed: true, bytes: await signByAudit(box, box.keys.audit, box.policies.oids.refusal, content, created) };
  } catch (fault) {
    const { code } = asRefusal(fault, "INTERNAL", "the refusal could not be signed");
    if (code === "LOCKED" || code === "KEY-STATE" || code.startsWith("HSM-")) return unsigned;
    throw fault;
  }
}

function checkNoManifest({ db }: Box, batchDigest: string): void {
  const number = db
    .prepare<[Uint8Array], number>(
      `SELECT max(m.number) FROM requests q JOIN reservations r ON r.request = q.id JOIN manifests m USING (number)
       WHERE q.batch_digest = ?`,
    )
    .pluck()
    .get(fromHex(batchDigest));
  if (typeof number !== "number") return;
  throw new Refusal("BATCH-STATE", `this batch has manifest ${number}: it was not refused`, { about: batchDigest });
}
