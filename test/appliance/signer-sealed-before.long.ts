/** SEAL-ONCE for ever: what was sealed is known before anything of today is judged. Fake token, real store and checks. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { receipt } from "../../appliance/signer/receipt.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { fingerprint } from "../pki/authority.ts";
import {
  following,
  listOf,
  type MadeBatch,
  makeBatch,
  otherSubmitter,
  signPolicy,
  submitter,
} from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

async function sealed(batch: MadeBatch): Promise<Uint8Array> {
  await box.authorised(batch);
  await box.seal(batch);
  return receiptBytes();
}

function receiptBytes(): Uint8Array {
  return concat([...receipt(box.box, 1)].map((part) => part.slice()));
}

/** Puts a policy with changes in force. */
async function adopt(change: Partial<Policy>): Promise<void> {
  await importPolicy(box.box, await signPolicy(following(box.policy, change), ["op1", "op2"]));
}

describe("SEAL-ONCE", () => {
  it.each<[string, () => void | Promise<void>]>([
    [
      "BATCH-EXPIRED: after its expiry",
      () => {
        box.clocks.offset += 90_000_000;
      },
    ],
    ["PATH-REVOKED: when its submitter was revoked", () => adopt({ revoked: [fingerprint(submitter.certificate)] })],
    [
      "MEDIA-LIMIT: under a policy that takes less",
      () => adopt({ limits: { ...box.policy.limits, batchBytes: 1, documentBytes: 1, documents: 1 } }),
    ],
  ])("SEAL-ONCE, %s: a sealed batch that comes again, renamed, gets the first receipt", async (words, change) => {
    // Where the policy takes less, larger than a batch.p7m of one document may be.
    const count = words.startsWith("MEDIA-LIMIT") ? 6000 : 3;
    const batch = await makeBatch(listOf(count, "a"));
    const first = await sealed(batch);
    await change();
    const again = { outcome: "already", batchDigest: batch.batchDigest, number: 1 };
    expect(await box.submit(batch, "renamed")).toEqual(again);
    expect(await box.findSealed(batch, "renamed")).toMatchObject({ ...again, count });
    expect(receiptBytes()).toEqual(first);
    expect(await codeOf(box.submit(await makeBatch(listOf(2, "b"))))).toBe(words.split(":")[0]);
  });

  it("SEAL-ONCE: asking whether a batch was sealed keeps nothing of it, and needs the submitter's own signature", async () => {
    const batch = await makeBatch(listOf(3, "a"));
    expect(await box.findSealed(batch)).toBeUndefined();
    await sealed(batch);
    expect(await box.findSealed(await makeBatch(listOf(3, "a"), {}, otherSubmitter))).toBeUndefined();
    const changed = batch.p7m.slice();
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    expect(await codeOf(box.findSealed({ ...batch, p7m: changed }))).toBe("CMS-SIGNATURE");
    for (const table of ["request_parts", "documents"]) {
      const requests = box.box.db.prepare(`SELECT count(DISTINCT request) FROM ${table}`).pluck().get();
      expect(requests, table).toBe(1);
    }
  });
});
