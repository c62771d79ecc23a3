import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../demo/project-root.ts";

const name = "coldseal-ledger-serve.service";
const file = join(projectRoot, "ledger/units", name);

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!analyze && process.env.CI) throw new Error("the ledger's unit cannot be judged: no systemd-analyze");
if (!analyze) process.stderr.write("SKIPPED: the ledger's unit is not judged: no systemd-analyze\n");

describe("SECRET: the unit of the ledger's service", () => {
  it.skipIf(!analyze)("is exposed by 1.5 at most: it has a network", () => {
    const args = ["security", "--offline=yes", "--no-pager", "--threshold=15", file];
    const { status, stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    expect(status, stdout.split("\n").slice(-3).join("\n")).toBe(0);
  });

  it.skipIf(!analyze)("is one that systemd understands, to its last line", () => {
    const dir = mkdtempSync(join(tmpdir(), "coldseal-unit-"));
    try {
      writeFileSync(join(dir, name), readFileSync(file));
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", join(dir, name)], {
        encoding: "utf8",
      });
      const ours = stderr.split("\n").filter((line) => line.includes(name));
      expect([status, ours]).toEqual([0, []]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("starts what there is, writes no core file, and leaves the ingest to the service", () => {
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^ExecStart=\S+ node \S+\/desk\/main\.ts ledger serve \/var\/lib\/coldseal-ledger$/m);
    expect(text).toMatch(/^LimitCORE=0$/m);
    expect(text).toMatch(/^KillMode=mixed$/m);
  });
});
