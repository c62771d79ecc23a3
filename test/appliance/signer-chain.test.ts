/** CHAIN: what a box gave out, lost its disk, was made anew and gave out after that, as one chain for whoever has the sticks. */

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { readEvidence } from "../../appliance/signer/recover/evidence.ts";
import { recoverBox, surveyBox } from "../../appliance/signer/recover/recover-box.ts";
import { takeOrder } from "../../appliance/signer/take-order.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { verifyChain } from "../../manifests/verify/chain/chain.ts";
import { keepersFiles, type Stick } from "../bundle/chain.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { orderOf } from "./signer/order-of.ts";
import { following, listOf, makeBatch, operators, root, signPolicy, stranger } from "./signer/people.ts";
import { filesOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
/** exports as the ceremony `recover` reads them */
let kept: Map<string, Uint8Array>;
let stick: Stick;
const reason = "water in the vault";

beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
  const policy = await signPolicy(box.policy, ["op1", "op2", "op3"]);
  kept = new Map([["policies/policy-0001.p7m", policy]]);
  stick = new Map([["coldseal/box/box-1/policies/policy-0001.p7m", policy]]);
});
afterEach(() => box.remove());

/** Seals a batch; all of it goes to the stick's outbox or, unless it is `whole`, the keeper's three files. Gives the number. */
async function sealed(id: string, whole: boolean): Promise<number> {
  const batch = await makeBatch(listOf(2, id), { batch: id });
  await box.authorised(batch);
  await box.seal(batch);
  const number = box.box.db.prepare<[], number>("SELECT max(number) FROM manifests").pluck().get() as number;
  for (const [path, bytes] of await filesOf(box, number)) {
    kept.set(`manifests/${String(number).padStart(6, "0")}/${path}`, bytes);
    if (whole) stick.set(`coldseal/outbox/${id}/${path}`, bytes);
    else if (keepersFiles.some((name) => name === path)) stick.set(`coldseal/audit/${number}/${path}`, bytes);
  }
  return number;
}

/** The disk is lost, and the box made anew by a quorum's order. */
async function madeAnew() {
  box.kill();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${box.config.state}/store.db${suffix}`, { force: true });
  const evidence = () => readEvidence(nodeHost, memorySource({ files: kept }), box.config);
  const what = await surveyBox(box.parts(), await evidence(), { beyond: 0, reason }, utf8(rightPin));
  const place = { number: 1, previous: null };
  const order = await orderOf(box, "recover", what as Json, undefined, place);
  await recoverBox(box.parts(), await evidence(), order, utf8(rightPin));
  await box.open();
  await box.unlock();
  await takeOrder(box.box, order);
  const forged = await orderOf(box, "recover", what as Json, [stranger, operators.op1], place);
  return { next: what.manifests.next, order, forged };
}

const verified = (files: Stick = stick) =>
  verifyChain(nodeHost, memorySource({ files }), { roots: [root.certificate], genesis: box.config.genesis });

describe("the chain of a box that sealed", () => {
  it("CHAIN: bundles and the keeper's records in any mix, policies that follow each other, approvals counted anew", async () => {
    await sealed("a", true);
    await sealed("b", false);
    const next = following(box.policy, { limits: { ...box.policy.limits, documents: 7 } });
    await importPolicy(box.box, await signPolicy(next, ["op1", "op2"]));
    await sealed("c", true);
    const whole = { ok: true, quorum: "pinned to genesis", manifests: 3, linked: [{ from: 1, to: 3 }] };
    expect(await verified()).toMatchObject(whole);
    stick.delete("coldseal/box/box-1/policies/policy-0001.p7m");
    expect(await verified()).toMatchObject(whole);
    for (const path of [...stick.keys()]) if (path.startsWith("coldseal/outbox/")) stick.delete(path);
    expect(await verified()).toMatchObject({
      ok: true,
      quorum: "not shown",
      gaps: [{ from: 1, to: 1, known: "by a link" }],
      last: 2,
    });
  });

  it("CHAIN: a box that was made anew is known by its continuity record, which names what is unexplained", async () => {
    const first = await sealed("a", true);
    const { next, order } = await madeAnew();
    expect(await sealed("b", false)).toBe(next);
    const unexplained = next > first + 1 ? [{ from: first + 1, to: next - 1, known: "unexplained" }] : [];
    const without = await verified();
    expect(without).toMatchObject({ ok: unexplained.length > 0, breaks: [] });
    stick.set("coldseal/box/box-1/orders/0001.p7m", order);
    const verdict = await verified();
    expect(verdict.findings).toEqual([]);
    expect(verdict).toMatchObject({
      ok: true,
      gaps: unexplained,
      breaks: [
        { number: next, record: { reason, people: ["op1", "op2"], next, file: "coldseal/box/box-1/orders/0001.p7m" } },
      ],
    });
    // What was there when the box was made anew, and is not presented now, the record had at hand.
    for (const path of [...stick.keys()]) if (path.startsWith("coldseal/outbox/")) stick.delete(path);
    expect((await verified()).gaps[0]).toEqual({ from: 1, to: first, known: "by a continuity record" });
    // Its tail is known to be missing by the record alone.
    const withoutTail = new Map([...stick].filter(([path]) => !path.startsWith("coldseal/audit/")));
    expect(await verified(withoutTail)).toMatchObject({ ok: false, findings: [{ code: "BUNDLE-FORM" }] });
  });

  it("POLICY-DIGEST, PERSON-UNKNOWN: a continuity record under no policy that is here, or by somebody else, explains nothing", async () => {
    await sealed("a", false);
    const { forged, order } = await madeAnew();
    await sealed("b", false);
    stick.set("coldseal/box/box-1/orders/0001.p7m", forged);
    expect(await verified()).toMatchObject({ ok: false, breaks: [], findings: [{ code: "PERSON-UNKNOWN" }] });
    stick.set("coldseal/box/box-1/orders/0001.p7m", order);
    stick.delete("coldseal/box/box-1/policies/policy-0001.p7m");
    const verdict = await verified();
    expect(verdict.ok).toBe(false);
    expect(verdict.findings.map(({ code }) => code)).toContain("POLICY-DIGEST");
    expect(verdict.breaks).toEqual([]);
  });
});
