/** Emergencies as a ledger answers about them: declared, sealed in, closed or not, and what is missing of them. */

import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type EmergencyAnswer, emergencyAnswers } from "../../../ledger/answers/emergencies.ts";
import { Standing } from "../../../ledger/answers/standing/judge.ts";
import { boxNamed } from "../../../ledger/boxes/enrolled.ts";
import { runEmergencies } from "../../../ledger/commands/emergencies.ts";
import { figuresOf } from "../../../ledger/report/figures.ts";
import { alarmsOf } from "../../../ledger/report/page.ts";
import type { Closing } from "../../../manifests/records/closing.ts";
import { declarationPath } from "../../../manifests/records/names.ts";
import type { Bundle } from "../../bundle/build.ts";
import { layBundle, type Stick } from "../../bundle/chain.ts";
import { closingFor, emergencyBundle, emergencyTimes, signClosing } from "../../bundle/emergency.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";

let bundle: Bundle;
let box: TestLedger;
beforeAll(async () => {
  bundle = await emergencyBundle();
});
beforeEach(async () => {
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
    {
      state: "closed",
      closing: { ended: emergencyTimes.ended, seals: 3, manifests: 1, notHere: [], notListed: [], missing: [] },
    },
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

it("EMERGENCY: what is here and its closing record does not list, or was made after it, alarms and does not count", async () => {
  const at = (closing: Closing, name: string) => signClosing(closing).then((p7m) => new Map([[name, p7m]]));
  const right = await closingFor(bundle);
  const bare = await closingFor(bundle, { manifests: [], created: "2026-11-21T08:00:01Z" });
  const marks = () =>
    box.ledger.db.reading(async (sql) =>
      (await Standing.of(sql, await boxNamed(sql, "box-1"), late)).marks(
        (await sql.get<{ manifest: number }>("SELECT manifest FROM box_manifests"))?.manifest ?? 0,
      ),
    );
  expect(await marks()).toMatchObject([{ what: "emergency-open", takes: false }]);
  await box.ingest(await at(bare, "coldseal/closings/0005.p7m"));
  const exceeded = { state: "exceeded", closing: { notListed: [{ from: 1, to: 1 }] } };
  expect(await answers(late)).toMatchObject([exceeded]);
  expect(await marks()).toMatchObject([
    { what: "emergency-exceeded", takes: true, text: expect.stringContaining("does not list this manifest") },
  ]);
  // One more that lists it does not end the alarm.
  await box.ingest(await at(right, "coldseal/closings/0006.p7m"));
  expect(await answers(late)).toMatchObject([exceeded]);
  expect(await box.records()).toContainEqual(expect.objectContaining({ type: "closing" }));
  const out: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
  try {
    await runEmergencies(box.folder, undefined, {});
    expect(process.exitCode).toBe(1);
    expect(out.join("")).toMatch(/MORE WAS MADE IN IT THAN ITS CLOSING RECORD LISTS.*MORE +numbers 1,/s);
  } finally {
    process.exitCode = undefined;
    write.mockRestore();
  }
  const figures = await box.ledger.db.reading((sql) => figuresOf(sql, { from: null, to: null }, late));
  expect(alarmsOf(figures)).toContainEqual(expect.stringContaining("more was made in it"));
});
