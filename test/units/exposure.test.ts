import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../demo/project-root.ts";
import { intakeCommand } from "../../media/intake/command.ts";

const folder = join(projectRoot, "appliance/units");
const services = readdirSync(folder).filter((name) => name.endsWith(".service"));
const text = (name: string) => readFileSync(join(folder, name), "utf8");
const setting = (unit: string, name: string) =>
  text(unit)
    .split("\n")
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!analyze && process.env.CI) throw new Error("the units' exposure cannot be judged: no systemd-analyze");
if (!analyze) process.stderr.write("SKIPPED: the units' exposure is not judged: no systemd-analyze\n");

/** Mounting needs rights that nothing else has: docs/hardening.md, "The mount helper". */
const allowed: Readonly<Record<string, number>> = { "coldseal-mount.service": 35 };

describe("T30: the units", () => {
  it.skipIf(!analyze).each(services)("%s is exposed by 1.0 at most, or as much as is explained", (name) => {
    const most = allowed[name] ?? 10;
    const args = ["security", "--offline=yes", "--no-pager", `--threshold=${most}`, join(folder, name)];
    const { status, stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    expect(status, stdout.split("\n").slice(-3).join("\n")).toBe(0);
  });

  it.each(services)("%s writes no core file and is tried again for ever, if at all", (name) => {
    expect(setting(name, "LimitCORE")).toEqual(["0"]);
    expect(
      setting(name, "Restart").every((value) => value === "no" || setting(name, "StartLimitIntervalSec")[0] === "0"),
    ).toBe(true);
  });

  it("GAP: the signer has no network of its own and can read process 1's links", () => {
    const signer = "coldseal-signer.service";
    expect(setting(signer, "PrivateNetwork")).toEqual(["yes"]);
    expect([...setting(signer, "ProtectProc"), ...setting(signer, "ProcSubset")]).toEqual([]);
  });

  it("intake is started as the launcher starts it", () => {
    const [line = ""] = setting("coldseal-intake@.service", "ExecStart");
    const { args } = intakeCommand({
      node: "node",
      projectRoot,
      roots: ["/run/coldseal/media"],
      spoolIncoming: "/var/lib/coldseal/spool/incoming",
    });
    expect(line.split(" ").slice(1)).toEqual(args.map((one) => one.replace(projectRoot, "/usr/lib/coldseal")));
  });
});
