/** Rows of a signer's journal that follow each other, as `ceremony --json journal` prints them. */

import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";

export type JournalRow = { readonly [name: string]: Json };
export type RowPlan = readonly [kind: string, record: Json];

export function journalRows(plan: readonly RowPlan[], time = "2026-11-20T12:00:00Z"): readonly JournalRow[] {
  const rows: JournalRow[] = [];
  let previous = "00".repeat(32);
  for (const [at, [kind, record]] of plan.entries()) {
    const row = { kind, previous, record, sequence: at + 1, time };
    previous = hex(sha256(canonicalBytes(row)));
    rows.push({ ...row, digest: previous });
  }
  return rows;
}
