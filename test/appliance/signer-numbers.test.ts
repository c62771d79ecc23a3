/** CHAIN: a manifest number that is reserved can always be finished: nothing that is valid by itself strands it. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { submit } from "../../appliance/signer/submit.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { issue, type Wanted } from "../pki/authority.ts";
import { following, listOf, makeBatch, oids, root, signPolicy } from "./signer/people.ts";
import { codeOf, filesOf, manifestIn, pieces, TestBox } from "./signer/test-box.ts";

let box: TestBox;
afterEach(() => box.remove());

const rsaAudit = { audit: { suite: "rsa-pkcs1-sha256", rsaBits: 2048 } } as const;

it("PATH-KEY: a policy that finds the audit key too weak is refused, and the box goes on under the one in force", async () => {
  box = await TestBox.make({}, rsaAudit);
  await box.unlock();
  const stricter = following(box.policy, { limits: { ...box.policy.limits, minimumRsaBits: 3072 } });
  expect(await codeOf(importPolicy(box.box, await signPolicy(stricter, ["op1", "op2"])))).toBe("PATH-KEY");
  const batch = await makeBatch(listOf(2, "a"));
  await box.authorised(batch);
  expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
});

it("PATH-KEY: a policy that finds the key of an issuer of the sealing certificate too weak is refused", async () => {
  box = await TestBox.make();
  const issuer = join(box.folder, "issuer.der");
  const weak = { name: "Issuer", ca: true, suite: "rsa-pkcs1-sha256", rsaBits: 2048 } as const;
  writeFileSync(issuer, issue(root, weak).certificate);
  (box.config.keys.sealing.certificates as string[]).push(issuer);
  await box.restart();
  const stricter = following(box.policy, { limits: { ...box.policy.limits, minimumRsaBits: 3072 } });
  expect(await codeOf(importPolicy(box.box, await signPolicy(stricter, ["op1", "op2"])))).toBe("PATH-KEY");
});

it("NOTHING-LOST: a receipt is the same whatever the policy in force says of keys", async () => {
  box = await TestBox.make({}, rsaAudit);
  await box.unlock();
  const batch = await makeBatch(listOf(2, "a"));
  await box.authorised(batch);
  await box.seal(batch);
  const before = await filesOf(box, 1);
  const { inForce } = box.box.policies;
  const limits = { ...inForce.policy.limits, minimumRsaBits: 4096 };
  box.box.policies.adopt({ ...inForce, policy: { ...inForce.policy, limits } });
  expect(await filesOf(box, 1)).toEqual(before);
  expect(manifestIn(before).number).toBe(1);
});

it.each<[string, Wanted]>([
  ["longer than a manifest can say", { name: "x".repeat(501) }],
  ["empty", { name: "nobody", subject: Uint8Array.of(0x30, 0) }],
])("PATH-FORM: a submitter whose subject is %s gets no challenge", async (_, wanted) => {
  box = await TestBox.make();
  const desk = issue(root, { eku: [oids.submitter], ...wanted });
  expect(await codeOf(box.submit(await makeBatch(listOf(2, "a"), {}, desk)))).toBe("PATH-FORM");
});

it("JSON: reported facts that are nested too deep for a manifest get no challenge", async () => {
  box = await TestBox.make();
  let nested: Json = 1;
  for (let depth = 0; depth < 31; depth++) nested = { a: nested };
  const { p7m } = await makeBatch(listOf(2, "a"));
  const deep = { folder: "a", reported: { a: nested }, body: pieces(p7m) };
  expect(await codeOf(submit(box.box, box.staging, deep))).toBe("JSON");
  const flat = { folder: "a", reported: nested as { readonly [name: string]: Json }, body: pieces(p7m) };
  expect(await codeOf(submit(box.box, box.staging, flat))).toBe("none");
});

it("CHAIN: whatever keeps a manifest from being composed is found before its number is reserved", async () => {
  box = await TestBox.make();
  await box.unlock();
  const batch = await makeBatch(listOf(2, "a"));
  await box.authorised(batch);
  const { software } = box.box;
  Object.assign(box.box, { software: { ...software, version: "x".repeat(33) } });
  expect(await codeOf(box.seal(batch))).toBe("SHAPE");
  expect(box.box.batches.number(box.box.batches.find(batch.batchDigest))).toBe(null);
  Object.assign(box.box, { software });
  expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
});
