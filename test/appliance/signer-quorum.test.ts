/** The signer under a daemon that lies: nothing is sealed that a quorum did not approve. Fake token, real store and checks. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { authorize, reject } from "../../appliance/signer/authorize.ts";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { concat, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { requestBytes } from "../../manifests/records/request-stream.ts";
import { fingerprint, issue } from "../pki/authority.ts";
import {
  authorization,
  authorizationAt,
  dissent,
  following,
  fromNow,
  headOf,
  listOf,
  type MadeBatch,
  makeBatch,
  oids,
  operators,
  otherSubmitter,
  root,
  secondTokenOfOp1,
  signPolicy,
  stranger,
  submitter,
} from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

/**
 * The code that a call of a lying daemon is refused with. Refused means journalled too: the method, the code, and the
 * batch where the store knows it.
 */
async function refused(method: string, batchDigest: string | null, body?: Uint8Array, more: Json = {}) {
  const code = await codeOf(box.call(method, batchDigest === null ? more : { batchDigest }, body));
  if (code === "none") return code;
  const known = batchDigest !== null && code !== "BATCH-UNKNOWN" ? { batchDigest } : {};
  expect(box.refusals()).toContainEqual(expect.objectContaining({ method, code, ...known }));
  return code;
}

function submission({ p7m }: MadeBatch) {
  return refused("submit", null, p7m, { folder: "batch-1", reported: {} });
}

describe("QUORUM", () => {
  it("QUORUM: two distinct operators get a batch sealed, every document once", async () => {
    const batch = await makeBatch(listOf(130, "a"));
    await box.authorised(batch);
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(box.hsm.sealed.length).toBe(130);
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(box.hsm.sealed.length).toBe(130);
  });

  it("QUORUM: without authorisation nothing is sealed", async () => {
    const batch = await makeBatch(listOf(3, "a"));
    await box.challenge(batch);
    expect(await refused("seal", batch.batchDigest)).toBe("QUORUM");
    expect(box.hsm.sealed).toEqual([]);
  });

  it.each([
    ["QUORUM: one operator alone", [operators.op1], "QUORUM"],
    ["PERSON-TWICE: one person with two tokens", [operators.op1, secondTokenOfOp1], "PERSON-TWICE"],
    ["PERSON-UNKNOWN: a stranger beside an operator", [operators.op1, stranger], "PERSON-UNKNOWN"],
  ] as const)("%s", async (_, by, code) => {
    const batch = await makeBatch(listOf(3, "a"));
    const challenge = await box.challenge(batch);
    expect(await refused("authorize", batch.batchDigest, await authorization(challenge, ...by))).toBe(code);
    expect(await refused("seal", batch.batchDigest)).toBe("QUORUM");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("CHALLENGE-MATCH: the authorisation of another batch does not count", async () => {
    const one = await makeBatch(listOf(2, "a"), { batch: "one" });
    const other = await makeBatch(listOf(2, "b"), { batch: "other" });
    const challenge = await box.challenge(one);
    await box.challenge(other);
    const p7m = await authorization(challenge, operators.op1, operators.op2);
    expect(await refused("authorize", other.batchDigest, p7m)).toBe("CHALLENGE-MATCH");
  });

  it.each([
    ["documents counted differently", { count: 9 }],
    ["another nonce", { nonce: "00".repeat(32) }],
    ["a later expiry", { expires: fromNow(999_999) }],
    ["another appliance", { appliance: "box-2" }],
    ["another mode", { mode: "offline" as const }],
    ["another policy", { policyDigest: "11".repeat(32) }],
  ])("CHALLENGE-MATCH: approvals of a challenge that the signer did not issue: %s", async (_, change) => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = { ...(await box.challenge(batch)), ...change };
    const p7m = await authorization(challenge, operators.op1, operators.op2);
    expect(await refused("authorize", batch.batchDigest, p7m)).toBe("CHALLENGE-MATCH");
  });

  it("NONCE-USED: an authorisation counts once", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = await box.authorised(batch);
    await box.seal(batch);
    const p7m = await authorization(challenge, operators.op1, operators.op2);
    expect(await refused("authorize", batch.batchDigest, p7m)).toBe("NONCE-USED");
  });

  it("CLOCK: an approval that claims a time to come is refused", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = await box.challenge(batch);
    const p7m = await authorizationAt(fromNow(60), challenge, operators.op1, operators.op2);
    expect(await refused("authorize", batch.batchDigest, p7m)).toBe("CLOCK");
  });

  it("BATCH-UNKNOWN: a batch that was never submitted cannot be authorised or sealed", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    expect(await refused("seal", batch.batchDigest)).toBe("BATCH-UNKNOWN");
    expect(await refused("authorize", batch.batchDigest, new Uint8Array(3))).toBe("BATCH-UNKNOWN");
  });

  it("CHALLENGE-EXPIRED: approvals that waited too long seal nothing; submitting gives a new challenge", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = await box.authorised(batch);
    box.clocks.offset += 4_000_000;
    expect(await refused("seal", batch.batchDigest)).toBe("CHALLENGE-EXPIRED");
    const next = await box.challenge(batch);
    expect(next.nonce).not.toBe(challenge.nonce);
    const old = await authorization(challenge, operators.op1, operators.op2);
    expect(await refused("authorize", batch.batchDigest, old)).toBe("CHALLENGE-MATCH");
    expect(await refused("seal", batch.batchDigest)).toBe("QUORUM");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("POLICY-DIGEST: approvals under a policy that was replaced seal nothing", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    await box.authorised(batch);
    const next = following(box.policy, { thresholds: { policy: 2, seal: 3 } });
    expect(await importPolicy(box.box, await signPolicy(next, ["op1", "op2"]))).toBe(2);
    expect(await refused("seal", batch.batchDigest)).toBe("POLICY-DIGEST");
    const challenge = await box.challenge(batch);
    const two = await authorization(challenge, operators.op1, operators.op2);
    expect(await refused("authorize", batch.batchDigest, two)).toBe("QUORUM");
    const three = await authorization(challenge, operators.op1, operators.op2, operators.op3);
    expect(await authorize(box.box, batch.batchDigest, three)).toBe("authorized");
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
  });

  it("PATH-REVOKED: a policy that revokes the box's own certificate stops sealing", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const next = following(box.policy, { revoked: [fingerprint(box.hsm.keys.sealing.certificate)] });
    await importPolicy(box.box, await signPolicy(next, ["op1", "op2"]));
    await box.authorised(batch);
    expect(await refused("seal", batch.batchDigest)).toBe("PATH-REVOKED");
    expect(box.hsm.sealed).toEqual([]);
  });

  it("HSM-KEY: a policy that names other keys than the box has is refused", async () => {
    const next = following(box.policy, { keys: { audit: otherSubmitter.spki, sealing: stranger.spki } });
    expect(await refused("import-policy", null, await signPolicy(next, ["op1", "op2"]))).toBe("HSM-KEY");
  });

  it("T17: a policy with fewer approvers, not signed by the old quorum, is refused and does not survive a restart", async () => {
    const lower = following(box.policy, { thresholds: { policy: 1, seal: 1 } });
    expect(await refused("import-policy", null, await signPolicy(lower, ["op1"]))).toBe("POLICY-SIGNERS");
    expect(await refused("import-policy", null, await signPolicy(box.policy, ["op1", "op2", "op3"]))).toBe(
      "POLICY-CHAIN",
    );
    await box.restart();
    expect(box.box.policies.inForce.number).toBe(1);
  });

  it("T11: a submitter under another root, or revoked, or without its usage, gets no challenge", async () => {
    const wrongUsage = issue(root, { name: "desk", eku: [oids.operator] });
    expect(await submission(await makeBatch(listOf(1, "a"), {}, wrongUsage))).toBe("PATH-USAGE");
    const { box: inner } = box;
    expect(inner.db.prepare("SELECT count(*) FROM requests").pluck().get()).toBe(0);
    expect(inner.db.prepare("SELECT count(*) FROM documents").pluck().get()).toBe(0);
  });

  it("MEDIA-LIMIT: a list is read no further than policies ever took; SEAL-ONCE holds when the one in force takes less", async () => {
    box.remove();
    box = await TestBox.make({ limits: { ...box.policy.limits, documents: 10 } });
    await box.unlock();
    const batch = await makeBatch(listOf(10, "a"));
    await box.authorised(batch);
    await box.seal(batch);
    const fewer = following(box.policy, { limits: { ...box.policy.limits, documents: 5 } });
    await importPolicy(box.box, await signPolicy(fewer, ["op1", "op2"]));
    expect(await box.submit(batch)).toMatchObject({ outcome: "already", number: 1 });
    expect(await codeOf(box.submit(await makeBatch(listOf(6, "b"))))).toBe("MEDIA-LIMIT");
    const [list] = [...requestBytes(headOf("b"), listOf(11, "b"))] as [Uint8Array];
    const content = concat([list, utf8("and then no JSON")]);
    const what = { eContentType: oids.request, content, signingTime: fromNow(-60) };
    const p7m = await signContent(nodeHost, submitter.signingKey, what);
    expect(await codeOf(box.submit({ p7m, batchDigest: "", documents: [] }))).toBe("MEDIA-LIMIT");
    expect(box.box.db.prepare("SELECT count(*) FROM documents").pluck().get()).toBe(10);
  });

  it("T18: a request whose list was changed after it was signed is refused, and nothing is kept", async () => {
    const batch = await makeBatch(listOf(3, "a"));
    const p7m = batch.p7m.slice();
    const at = Buffer.from(p7m).indexOf(batch.documents[1]?.digest as string);
    p7m[at] = p7m[at] === 0x30 ? 0x31 : 0x30;
    expect(await submission({ ...batch, p7m })).toBe("CMS-DIGEST");
    expect(box.box.db.prepare("SELECT count(*) FROM request_parts").pluck().get()).toBe(0);
  });
});

describe("decisions against a batch", () => {
  it("BATCH-ENDED: one rejection ends a batch; the same request is not opened again, a corrected one is", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = await box.challenge(batch);
    expect(await reject(box.box, batch.batchDigest, await dissent(challenge, "rejection", operators.op3))).toBe(
      "rejected",
    );
    expect(await submission(batch)).toBe("BATCH-ENDED");
    const p7m = await authorization(challenge, operators.op1, operators.op2);
    expect(await refused("authorize", batch.batchDigest, p7m)).toBe("BATCH-ENDED");
    expect(await refused("seal", batch.batchDigest)).toBe("BATCH-ENDED");
    const corrected = await makeBatch(listOf(2, "a"), { purpose: "corrected" });
    await box.authorised(corrected);
    expect(await box.seal(corrected)).toEqual({ number: 1, outcome: "sealed" });
  });

  it("PERSON-UNKNOWN: a stranger can neither reject nor abort", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = await box.challenge(batch);
    expect(await refused("reject", batch.batchDigest, await dissent(challenge, "rejection", stranger))).toBe(
      "PERSON-UNKNOWN",
    );
    const abort = await dissent(challenge, "abort", stranger);
    expect(await refused("abort", batch.batchDigest, abort)).toBe("PERSON-UNKNOWN");
    expect(box.box.batches.state(box.box.batches.find(batch.batchDigest))).toBe("challenged");
  });

  it("CMS-TYPE: a rejection is no abort and no approval", async () => {
    const batch = await makeBatch(listOf(2, "a"));
    const challenge = await box.challenge(batch);
    const rejection = await dissent(challenge, "rejection", operators.op1);
    expect(await refused("abort", batch.batchDigest, rejection)).toBe("CMS-TYPE");
    expect(await refused("authorize", batch.batchDigest, rejection)).toBe("CMS-TYPE");
  });

  it("BATCH-STATE: another submitter's equal request waits until the first has ended, and is a batch of its own", async () => {
    const documents = listOf(2, "a");
    const expires = fromNow(5000);
    const first = await makeBatch(documents, { expires });
    const second = await makeBatch(documents, { expires }, otherSubmitter);
    expect(second.batchDigest).toBe(first.batchDigest);
    await box.authorised(first);
    expect(await submission(second)).toBe("BATCH-STATE");
    await box.seal(first);
    await box.authorised(second);
    expect(await box.seal(second)).toEqual({ number: 2, outcome: "sealed" });
  });
});
