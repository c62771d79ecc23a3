/** A folder as a stick, documents, and a submitter's key, for the desk's tests. Removed after each test. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type BatchOrder, createBatch } from "../../desk/batch-create.ts";
import type { Slip } from "../../desk/slip.ts";
import type { SubmitterKey } from "../../desk/submitter-key.ts";
import { oids, submitter } from "../bundle/people.ts";

export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-desk-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function write(dir: string, name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

export const submitterKey: SubmitterKey = { ...submitter.signingKey, chain: [] };

export const now = Date.parse("2026-11-23T10:00:00Z");

export function order(changes: Partial<BatchOrder> & Pick<BatchOrder, "documents" | "stick">): BatchOrder {
  return {
    batch: "Q4-contracts",
    folder: "q4-contracts",
    purpose: "Q4 supplier contracts",
    mode: "test",
    expires: "2026-11-30T10:00:00Z",
    digest: "sha256",
    now,
    ...changes,
  };
}

export function create(changes: Partial<BatchOrder> & Pick<BatchOrder, "documents" | "stick">): Promise<Slip> {
  return createBatch(order(changes), submitterKey, oids);
}
