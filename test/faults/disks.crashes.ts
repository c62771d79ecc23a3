/** Power cuts with all that was not synced gone, also under a disk that lies, and disks that are full to the last byte, at steps of a batch: a whole box of real processes. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canCutPower } from "./disks/disk.ts";
import { steps } from "./disks/disk-life.ts";

const can = canCutPower();
if (!can) console.warn("NOT TESTED: power cuts and full disks under a whole box, because no ext4 can be mounted here");
const all = process.env.CRASHES === "all";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "coldseal-disks-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function inNamespace(main: string, ...args: readonly string[]): Promise<unknown> {
  const script = join(import.meta.dirname, "disks", main);
  const env = { ...process.env, TMPDIR: base, UV_THREADPOOL_SIZE: "1" };
  const { stdout } = await promisify(execFile)("unshare", ["-m", process.execPath, script, ...args], { env });
  return JSON.parse(stdout);
}

describe.skipIf(!can)("a power cut", () => {
  const honest = all ? steps : (["approved-once", "sealed"] as const);
  it.each(honest)(
    "NOTHING-LOST: after which only what was synced is there loses nothing of a batch that is %s",
    async (step) => {
      const found = await inNamespace("power-cut-main.ts", "honest", step);
      expect(found).toMatchObject({ unlocked: "none", broken: [], end: { number: 2 } });
    },
  );

  // The token's head moved when the number was reserved, and again with the manifest: the store is behind it.
  const sealed = all ? (["sealed", "released"] as const) : (["sealed"] as const);
  it.each(sealed)(
    "CHAIN: under a disk that only said that it synced is found when a batch was %s: the box does not unlock",
    async (step) => {
      const found = await inNamespace("power-cut-main.ts", "lying", step);
      expect(found).toMatchObject({ unlocked: "CHAIN", broken: [] });
    },
  );

  // No head tells of these rows: nothing was signed yet. The batch still lies on the stick, and comes again.
  const unsealed = all ? (["plugged", "accepted", "approved-once", "approved"] as const) : (["approved-once"] as const);
  it.each(unsealed)(
    "SEAL-ONCE: under a disk that lies, when a batch was %s, costs its approvals, and it is sealed once",
    async (step) => {
      const found = await inNamespace("power-cut-main.ts", "lying", step);
      expect(found).toMatchObject({ unlocked: "none", broken: [], end: { number: 2 } });
    },
  );
});

describe.skipIf(!can)("a full disk", () => {
  it("T20: of the store, the spool or the stick, at each step of a batch, keeps it waiting, says why, and loses nothing", async () => {
    const found = (await inNamespace("full-main.ts")) as Record<
      string,
      { told: string[]; end: unknown; broken: unknown }
    >;
    expect(Object.keys(found)).toHaveLength(15);
    for (const [at, { end, broken }] of Object.entries(found))
      expect([at, broken, end]).toEqual([at, [], { number: expect.any(Number) }]);
    const told = (disk: string) => Object.entries(found).flatMap(([at, one]) => (at.startsWith(disk) ? one.told : []));
    expect(told("store")).toContain("STORE");
    expect(told("spool")).toContain("STORE");
    expect(told("stick")).toContain("MEDIA-FULL");
  });
});
