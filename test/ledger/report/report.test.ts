/** The report's numbers from a real store, and its page: whatever a record's names hold, nothing of them is markup. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { runReport } from "../../../ledger/commands/report.ts";
import { bucketAt, bucketsOf, medianOf } from "../../../ledger/report/buckets.ts";
import { dayIn, figuresOf, queueAges } from "../../../ledger/report/figures.ts";
import { alarmsOf, reportPage } from "../../../ledger/report/page.ts";
import { hoursText, stackedBars } from "../../../ledger/report/plots.ts";
import { base64, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { tamper } from "../tampering.ts";
import { hostileFigures, hostileNames } from "./hostile-figures.ts";

let box: TestLedger;
beforeAll(async () => {
  const bundles = await chainOf(3);
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
  await box.ingest(outboxOf(bundles));
  // An acknowledgement over two of them, six hours after number 1; what it is made of is others' matter.
  tamper(
    box,
    `INSERT INTO acknowledgements (acknowledgement, box, number, size, reported, file, made)
      VALUES (1, 1, 2, 1, 0, zeroblob(32), '2026-11-20T18:01:05Z')`,
  );
});
afterAll(() => box.end());

const now = "2026-11-22T12:00:00Z";
const figures = (from: string | null = null, to: string | null = null) =>
  box.ledger.db.reading((sql) => figuresOf(sql, { from, to }, now));

describe("the report's figures", () => {
  it("LEDGER-ANSWER: count what is in the period, by box and mode, and the time to acknowledgement", async () => {
    const all = await figures();
    expect(all).toMatchObject({
      period: { from: "2026-11-20T12:01:05Z", to: now },
      manifests: 3,
      seals: 3,
      entries: 6,
      volume: [{ name: "box-1", values: [3, 0, 0] }],
      modes: [{ name: "test", values: [3, 0, 0] }],
      unacknowledged: 1,
    });
    expect(all.acknowledged.longest).toEqual([6, null, null]);
    expect(all.queueNow.waiting.manifests).toBe(3);
    expect(alarmsOf(all)).toContainEqual(expect.stringContaining("3 batches wait, and no authority is set"));
    expect(await figures("2026-11-21T00:00:00Z")).toMatchObject({ manifests: 0, volume: [], unacknowledged: 0 });
  });

  it("LEDGER-ANSWER: periods are whole days, weeks from Mondays, or months, and every time is in one", () => {
    expect(bucketsOf("2026-11-20T23:59:59Z", "2026-11-22T00:00:00Z").all.map(({ label }) => label)).toEqual([
      "2026-11-20",
      "2026-11-21",
      "2026-11-22",
    ]);
    const weeks = bucketsOf("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
    expect([weeks.unit, weeks.all[1]?.label, weeks.all.at(-1)?.to]).toEqual([
      "week",
      "2026-01-05",
      "2027-01-01T00:00:00Z",
    ]);
    const months = bucketsOf("2024-02-10T00:00:00Z", "2026-11-22T00:00:00Z");
    expect([months.unit, months.all[1]?.from]).toEqual(["month", "2024-03-01T00:00:00Z"]);
    expect(bucketAt(weeks, "2026-01-05T00:00:00Z")).toBe(1);
    expect(bucketAt(weeks, "2027-01-01T00:00:00Z")).toBeUndefined();
    expect([medianOf([]), medianOf([3, 1, 2]), medianOf([4, 1, 2, 3])]).toEqual([null, 2, 2]);
    expect([dayIn("2026-02-29"), dayIn("2026-11-01"), dayIn("yesterday")]).toEqual([
      undefined,
      "2026-11-01T00:00:00Z",
      undefined,
    ]);
  });

  it("LEDGER-TIME: the queue's age is that of the oldest which waited when a day ended", () => {
    const buckets = bucketsOf("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z");
    const rows = [
      { arrived: "2026-11-20T12:00:00Z", anchored: "2026-11-21T18:00:00Z" },
      { arrived: "2026-11-21T20:00:00Z", anchored: null },
    ];
    expect(queueAges(rows, buckets, now)).toEqual([12, 4, 16]);
    expect([0.5, 3.25, 100].map(hoursText)).toEqual(["30 min", "3.3 h", "4.2 days"]);
  });
});

describe("the report's page", () => {
  it("LEDGER-ANSWER: of hostile names nothing is markup, and nothing but its own style is allowed", () => {
    const page = reportPage(hostileFigures(), hostileNames[0], "0.1.0");
    const tags = new Set([...page.matchAll(/<(\/?[a-z!][a-z0-9]*)/gi)].map(([, tag = ""]) => tag.replace("/", "")));
    expect([...tags].sort()).toEqual(
      "!doctype b body circle code details div g h1 h2 head html li line main meta p polygon polyline rect section span strong style summary svg table tbody td text th thead title tr ul".split(
        " ",
      ),
    );
    const attributes = [...page.matchAll(/<[a-z][^>]*>/gi)].flatMap(([tag]) => tag.match(/\s[a-z-]+(?==")/gi) ?? []);
    expect(attributes.filter((name) => /^\s(?:on|style|src|href|action)/i.test(name))).toEqual([]);
    const style = page.slice(page.indexOf("<style>") + "<style>".length, page.indexOf("</style>"));
    expect(page).toContain(`default-src 'none'; style-src 'sha256-${base64(sha256(utf8(style)))}'`);
    expect(page).toContain("\\u{202e}gpj.exe\\u{7}");
    expect(stackedBars({ title: "x", unit: "seals", labels: [] }, [])).not.toContain("NaN");
  });

  it("LEDGER-ANSWER: as a command it writes a new file, says what alarms, and nothing is overwritten", async () => {
    const out: string[] = [];
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
    try {
      const to = join(box.dir, "report.html");
      await runReport(box.folder, { to, json: true });
      expect(JSON.parse(out.join(""))).toMatchObject({ file: to, manifests: 3, seals: 3 });
      expect(readFileSync(to, "utf8")).toContain("<b>3</b><span>seals in this time</span>");
      await expect(runReport(box.folder, { to })).rejects.toMatchObject({ code: "USAGE" });
      await expect(runReport(box.folder, { to: `${to}2`, from: "x" })).rejects.toMatchObject({ code: "USAGE" });
    } finally {
      write.mockRestore();
    }
  });
});
