import { describe, expect, it } from "vitest";
import { compromiseNoticePaper, compromiseReportPaper } from "../../../ceremony/paper/compromise-paper.ts";
import { textOf } from "../../../ceremony/paper/page.ts";
import {
  type Compromise,
  type Made,
  rangesOf,
  reportOf,
  resealable,
  sealsOf,
} from "../../../ceremony/procedures/compromise/report.ts";

const made = (number: number, created: string, change: Partial<Made> = {}): Made => ({
  number,
  created,
  batch: `batch-${number}`,
  batchDigest: "00".repeat(32),
  outcome: "sealed",
  sealed: 2,
  purpose: "contracts",
  submitter: "CN=Desk",
  sealing: true,
  audit: false,
  listed: false,
  ...change,
});

const about = (since: string | null, purpose: "audit" | "sealing" = "sealing"): Compromise => ({
  appliance: "box-1",
  created: "2026-03-01T00:00:00Z",
  key: { digest: "11".repeat(32), purpose },
  reason: "the token lay open",
  since,
});

const all = [
  made(1, "2026-01-01T00:00:00Z"),
  made(2, "2026-02-01T00:00:00Z"),
  made(3, "2026-02-02T00:00:00Z", { outcome: "aborted" }),
];
const numbers = (rows: readonly { readonly number: number }[]) => rows.map(({ number }) => number);

describe("a compromise", () => {
  it("KEY-STATE: what was made from that very second on falls, what is older stands, and each says why", () => {
    const report = reportOf(about("2026-02-01T00:00:00Z"), all);
    expect([numbers(report.fall), numbers(report.stand)]).toEqual([[2, 3], [1]]);
    expect(report.fall[0]?.why).toContain("not before 2026-02-01T00:00:00Z");
    expect(report.stand[0]?.why).toContain("no anchored time says so");
    expect([resealable(report), sealsOf(report.fall), sealsOf(report.stand)]).toEqual([[2], 4, 2]);
  });

  it("KEY-STATE: everything falls where nobody knows since when", () => {
    const report = reportOf(about(null), all);
    expect([numbers(report.fall), report.stand]).toEqual([[1, 2, 3], []]);
    expect(resealable(report)).toEqual([1, 2]);
    const again = [made(1, "2026-01-01T00:00:00Z", { listed: true }), made(2, "2026-02-01T00:00:00Z")];
    expect(resealable(reportOf(about(null), again))).toEqual([2]);
  });

  it("KEY-STATE: of an audit key manifests fall, and no seal is counted as the key's own", () => {
    const report = reportOf(about(null, "audit"), [made(1, "2026-01-01T00:00:00Z", { sealing: false, audit: true })]);
    expect(report.fall[0]?.why).toMatch(/^manifest: /);
    expect(sealsOf(report.fall)).toBe(0);
  });

  it("names numbers as ranges", () => {
    expect([rangesOf([]), rangesOf([4]), rangesOf([3, 1, 2, 7, 9, 8])]).toEqual(["none", "4", "1 to 3, 7 to 9"]);
  });

  it("prints a report and a notice that escape what strangers wrote and say what to do", () => {
    const report = reportOf(about(null), [made(1, "2026-01-01T00:00:00Z", { submitter: "CN=\u202eevil\n" })]);
    const facts = {
      ...report,
      archive: "K-9",
      certificate: "CN=Seal, serial 01",
      falling: "1",
      orders: [{ name: "re-sealing list", digest: "22".repeat(32) }],
      resealed: "1",
      standing: "none",
      warning: undefined,
    };
    const [long, short] = [textOf(compromiseReportPaper(facts)), textOf(compromiseNoticePaper(facts))];
    expect(long).toContain("manifest 1");
    expect(long).not.toContain("\u202e");
    expect(short).toContain("Do not rely on a seal made with this certificate");
    expect(short).toContain("22".repeat(32));
    for (const text of [long, short]) {
      expect(text.split("\n").filter((line) => line.length > 78)).toEqual([]);
    }
  });
});
