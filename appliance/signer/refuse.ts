/** The refusal of a batch as a record: composed and journalled by the signer, signed by the audit key when unlocked. */

import { hex } from "../../manifests/encoding/bytes.ts";
import { type RefusalFile, refusalFileBytes } from "../../manifests/records/refusal-record.ts";
import { asRefusal, type RefusalCode } from "../../manifests/refusal.ts";
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
 * was locked, or the token failed. Refuses with CHAIN.
 */
export async function refuse(
  box: Box,
  what: ToRefuse,
): Promise<{ readonly signed: boolean; readonly bytes: Uint8Array }> {
  checkSound(box);
  const { head, created } = box.db.transaction(() => ({
    head: box.record("refused", { ...what }),
    created: now(box),
  }))();
  const record: Omit<RefusalFile, "signed"> = {
    ...what,
    appliance: box.facts.appliance,
    created,
    journal: { head: hex(head.digest), sequence: head.sequence },
    policyDigest: hex(box.policies.inForce.digest),
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
    if (code === "LOCKED" || code.startsWith("HSM-")) return unsigned;
    throw fault;
  }
}
