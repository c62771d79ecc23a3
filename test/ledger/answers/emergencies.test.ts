/** Emergencies as a ledger answers about them: declared, sealed in, closed or not, and what is missing of them. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { type EmergencyAnswer, emergencyAnswers } from "../../../ledger/answers/emergencies.ts";
import { boxNamed } from "../../../ledger/boxes/enrolled.ts";
import { declarationPath } from "../../../manifests/records/names.ts";
import type { Bundle } from "../../bundle/build.ts";
import { layBundle, type Stick } from "../../bundle/chain.ts";
import { closingFor, emergencyBundle, emergencyTimes, signClosing } from "../../bundle/emergency.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";

let bundle: Bundle;
let box: TestLedger;
beforeEach(async () => {
  bundle = await emergencyBundle();
  box = await testLedger();
  await box.enrol(bundle.genesis);
  const stick: Stick = new Map();
  layBundle(stick, "coldseal/outbox/emergency", bundle);
  await box.ingest(stick);
});
afterEach(() => box.end());

const answers = (now: string): Promise<readonly EmergencyAnswer[]> =>
  box.ledger.db.reading(async (sql) => emergencyAnswers(sql, await boxNamed(sql, "box-1"), now));
const late = "2026-11-29T00:00:00Z";

it("EMERGENCY: says who declared it, why, how much was sealed; open within its hours, then overdue, then closed", async () => {
  const [one] = await answers("2026-11-20T13:00:00Z");
  expect(one).toMatchObject({
    appliance: "box-1",
    cause: "provider",
    since: emergencyTimes.declared,
    declared: { by: ["op1", "op2"], reason: "The KMS is gone." },
    limits: { hours: 24, seals: 100, until: "2026-11-21T10:30:00Z" },
    manifests: [{ number: 1, outcome: "sealed", seals: 3, approvers: ["Operator 1 (op1)"], chained: true }],
    seals: 3,
    closing: null,
    state: "open",
  });
  expect(await answers(late)).toMatchObject([{ state: "overdue" }]);
  const closing = await signClosing(await closingFor(bundle));
  await box.ingest(new Map([["coldseal/closings/0005.p7m", closing]]));
  expect(await answers(late)).toMatchObject([
    { state: "closed", closing: { ended: emergencyTimes.ended, seals: 3, manifests: 1, notHere: [], missing: [] } },
  ]);
});

it("EMERGENCY: what its closing record lists and is not here is named, and who declared it where no order came is not", async () => {
  const right = await closingFor(bundle);
  const [first] = right.manifests;
  if (!first) throw new Error("no manifest");
  const more = await closingFor(bundle, { manifests: [first, { ...first, number: 7, digest: "77".repeat(32) }] });
  await box.ingest(new Map([["coldseal/closings/0005.p7m", await signClosing(more)]]));
  expect(await answers(late)).toMatchObject([
    { state: "incomplete", closing: { seals: 6, notHere: [{ from: 7, to: 7 }] } },
  ]);
  const bare = await testLedger();
  try {
    await bare.enrol(bundle.genesis);
    const stick: Stick = new Map();
    for (const name of ["manifest.p7m", "authorization.p7m", "documents.jsonl"])
      stick.set(`coldseal/audit/1/${name}`, bundle.files.get(name) as Uint8Array);
    stick.set("coldseal/audit/policy/0001.p7m", bundle.files.get("policy/0001.p7m") as Uint8Array);
    await bare.ingest(stick);
    expect(bundle.files.has(declarationPath)).toBe(true);
    const shown = await bare.ledger.db.reading(async (sql) =>
      emergencyAnswers(sql, await boxNamed(sql, "box-1"), late),
    );
    expect(shown).toMatchObject([
      { declared: null, declaredWhy: expect.stringContaining("did not come in"), state: "overdue" },
    ]);
  } finally {
    bare.end();
  }
});
