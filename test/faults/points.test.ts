import { describe, expect, it } from "vitest";
import { seeded } from "../promises/dying-process.ts";
import { spread } from "./choose.ts";
import { clockPoints } from "./clock/jumps.ts";
import { pointsOf } from "./measure.ts";
import { type Point, pointText, readPoint } from "./point.ts";
import { reportLines, reportOf } from "./report.ts";
import type { Outcome } from "./strike.ts";
import type { Struck } from "./sweep.ts";
import { countsIn } from "./tracer.ts";

const counted = [
  { part: "daemon", where: "pool", call: "fsync", times: 40 },
  { part: "signer", where: "main", call: "unlink", times: 2 },
] as const;

describe("the points of a sweep", () => {
  it("T21: a count of calls gives each call once with each fault", () => {
    const points = pointsOf(counted);
    expect(points).toHaveLength(3 * 42);
    expect(new Set(points.map(pointText)).size).toBe(3 * 42);
    expect(pointText(points.at(-1) as Point)).toBe("signer.main:unlink:2:ENOSPC");
  });

  it("T21: a point is read as it is written, and nothing else", () => {
    for (const point of pointsOf(counted)) expect(readPoint(pointText(point))).toEqual(point);
    for (const text of ["", "daemon.pool:fsync:0:EIO", "daemon.pool:reboot:1:EIO", "keeper.pool:fsync:1:EIO"])
      expect(() => readPoint(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it("T23: a count of the token's calls gives each call with each fault that it can have, and reads them as they are written", () => {
    const points = pointsOf([
      { part: "signer", where: "token", call: "C_Sign", times: 2 },
      { part: "signer", where: "token-probe", call: "C_Initialize", times: 1 },
    ]);
    expect(points.map(pointText).filter((text) => text.includes(":2:"))).toEqual([
      "signer.token:C_Sign:2:CKR_DEVICE_ERROR",
      "signer.token:C_Sign:2:CKR_DEVICE_REMOVED",
      "signer.token:C_Sign:2:CKR_SESSION_HANDLE_INVALID",
      "signer.token:C_Sign:2:CKR_FUNCTION_FAILED",
      "signer.token:C_Sign:2:HANG",
      "signer.token:C_Sign:2:GARBAGE",
      "signer.token:C_Sign:2:SHORT",
      "signer.token:C_Sign:2:LOST",
    ]);
    for (const point of points) expect(readPoint(pointText(point))).toEqual(point);
    for (const text of ["signer.token-probe:C_Initialize:1:GARBAGE", "daemon.token:C_Sign:1:LOST"])
      expect(() => readPoint(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it("T13: the clock jumps in three ways at four steps, for the whole box and for signer and daemon alone", () => {
    expect(new Set(clockPoints.map(pointText)).size).toBe(36);
    for (const point of clockPoints) expect(readPoint(pointText(point))).toEqual(point);
    expect(() => readPoint("box.before-sealing:clock:2:BACK-DAY")).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it("T23: a quick run takes one call that hangs of each place, and each way in which the clock jumps, before more of them", () => {
    const points = pointsOf([{ part: "signer", where: "token", call: "C_Sign", times: 9 }]);
    const first = spread([...points, ...clockPoints], seeded(3))
      .slice(0, 11)
      .map(pointText);
    expect(first.filter((text) => text.includes("HANG"))).toHaveLength(1);
    expect(first.filter((text) => text.includes("clock"))).toHaveLength(3);
  });

  it("T21: a quick run takes each kind of point before a second one of any, and the same by the same seed", () => {
    const points = pointsOf(counted);
    const chosen = spread(points, seeded(7)).map(pointText);
    expect(new Set(chosen)).toEqual(new Set(points.map(pointText)));
    expect(spread(points, seeded(7)).map(pointText)).toEqual(chosen);
    expect(spread(points, seeded(8)).map(pointText)).not.toEqual(chosen);
    const kinds = chosen.slice(0, 6).map((text) => text.replace(/:\d+:/, ":"));
    expect(new Set(kinds).size).toBe(6);
  });

  it("T21: calls are counted by thread, those that others interrupt once", () => {
    const log = `17 openat(AT_FDCWD, "a", O_RDONLY) = 3
18 fsync(21 <unfinished ...>
17 write(3, "fsync(1)", 8) = 8
18 <... fsync resumed>) = 0
17 openat(AT_FDCWD, "b", O_RDONLY) = -1 EIO (INJECTED)
17 +++ exited with 0 +++
`;
    const counts = countsIn(log);
    expect(Object.fromEntries(counts.get(17) ?? [])).toEqual({ openat: 2, write: 1 });
    expect(Object.fromEntries(counts.get(18) ?? [])).toEqual({ fsync: 1 });
  });

  it("T21: the report tells what was missed and what was broken, and counts no missed point as swept", () => {
    const [one, two, three] = pointsOf(counted).slice(0, 3) as [Point, Point, Point];
    const report = reportOf([came(one), came(two, { struck: false }), came(three, { broken: lost })], run);
    expect(report).toMatchObject({
      points: 3,
      swept: 2,
      violations: 1,
      missed: ["daemon.pool:fsync:1:EIO"],
      left: 124,
    });
    expect(report.broken).toEqual({ "daemon.pool:fsync:1:ENOSPC": ["NOTHING-LOST: gone"] });
    expect(reportLines(report).at(-1)).toBe("3 points of 126, 2 swept, 1 missed, 1 violations, 124 left (seed 7, 3 s)");
  });

  it("T21: a run that goes on from an earlier one counts each point once, forgets no violation, and a point that was missed is done when it is struck", () => {
    const [one, two, three] = pointsOf(counted).slice(0, 3) as [Point, Point, Point];
    const earlier = reportOf([came(one), came(two, { struck: false }), came(three, { broken: lost })], run);
    expect(earlier.done).toEqual([pointText(one)]);
    const later = reportOf(
      [came(two), came(three, { restarted: ["signer", "token-file"] })],
      run,
      JSON.parse(JSON.stringify(earlier)),
    );
    expect(later).toMatchObject({ points: 3, swept: 3, violations: 1, missed: [], left: 123, seconds: 6 });
    expect(later.done).toEqual([pointText(one), pointText(two)]);
    expect(later.tokenFile).toEqual([pointText(three)]);
    expect(reportLines(later).join("\n")).toContain(`its file was put back: ${pointText(three)}`);
    expect(later.calls).toEqual({ "daemon fsync": { points: 3, swept: 3 } });
  });
});

const lost = [["NOTHING-LOST", "gone"]] as const;
const run = { all: 126, counted, seed: 7, seconds: 3, source: "of these files" };

function came(point: Point, outcome: Partial<Outcome> = {}): Struck {
  const well = { struck: true, broken: [], restarted: [], byHand: false, told: false, refused: undefined };
  return { point, outcome: { ...well, ...outcome }, seconds: 1, chain: [point] };
}
