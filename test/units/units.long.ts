import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RowState } from "../../appliance/client/batch-row.ts";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import { approve, asOperator, submit, succeeded } from "../../demo/people.ts";
import { projectRoot } from "../../demo/project-root.ts";
import { runCommand } from "../../demo/run-command.ts";
import { bootMachine, type Machine, missingForMachine } from "./machine.ts";

const probed = ["signer", "daemon", "intake@"] as const;
type Probed = (typeof probed)[number];

/** The unit with a program of ours in the place of its own. */
function probeUnit(name: Probed): string {
  const text = readFileSync(join(projectRoot, `appliance/units/coldseal-${name}.service`), "utf8");
  return text
    .replace(/^ExecStart=.*$/m, `ExecStart=/usr/lib/coldseal/node/bin/node /var/lib/probe.mjs $OTHER`)
    .replace(/^Type=exec$/m, "Type=oneshot\nEnvironmentFile=/run/probe.env\nReadOnlyPaths=/var/lib/probe.mjs")
    .replace(/^(?:Sockets|Requires|Wants|After|Restart|RestartSec|ConditionPathExists)=.*\n/gm, "");
}

const missing = missingForMachine();
if (missing && process.env.CI) throw new Error(`units cannot be tried: ${missing}`);
if (missing) process.stderr.write(`SKIPPED: the units are not tried on a real systemd here: ${missing}\n`);

describe.skipIf(missing)("the units, on a real systemd", () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await bootMachine(
      Object.fromEntries(probed.map((name) => [`/etc/systemd/system/probe-${name}.service`, probeUnit(name)])),
    );
  }, 120_000);

  afterAll(() => machine?.end());

  const until = async (folder: string, state: RowState) => {
    const daemon = daemonClient(machine.at("/run/coldseal/coldseald.sock"));
    for (let tries = 0; tries < 300; tries++) {
      const row = (await daemon.list(true).catch(() => [])).find((one) => one.folder === folder);
      if (row?.state === state) return;
      await setTimeout(200);
    }
    throw new Error(`${folder} is never ${state}\n${machine.journal()}`);
  };

  it("CHECKED-OUT: a batch is sealed by processes of three users, and says isolation: units", async () => {
    const [first, second] = machine.operators;
    if (!first || !second) throw new Error("too few operators");
    succeeded(await asOperator(first, ["unlock"], { pin: machine.paths.box.pin }), "unlock");
    const slip = await submit(machine.paths, [join(machine.paths.dir, "pki/op1.der")], ["--batch", "units"]);
    machine.run(["chown", "-R", "coldseal-daemon:coldseal-spool", "/stick"]);
    await until("units", "waiting-for-approval");
    succeeded(await approve(first, slip), "approve");
    succeeded(await approve(second, slip), "approve");
    await until("units", "released");
    const bundle = join(machine.paths.stick, "coldseal/outbox/units");
    const { root } = machine.paths.pki;
    const args = ["--json", "verify", bundle, "--ca", root, "--genesis", machine.paths.genesis, "--documents"];
    const verified = await runCommand("desk/main.ts", [
      ...args,
      join(machine.paths.stick, "coldseal/inbox/units/documents"),
    ]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, labels: { isolation: "units" } });
  });

  it.each([
    ["coldseal-signer.service", "coldseal-signer"],
    ["coldseal-daemon.service", "coldseal-daemon"],
    ["coldseal-intake@", "coldseal-intake"],
  ])("T30: %s runs as %s, filtered, without rights and without core files", (unit, user) => {
    const named =
      machine.run(["systemctl", "list-units", "--plain", "--no-legend", `${unit}*`]).text.split(" ")[0] ?? "";
    const pid = machine.run(["systemctl", "show", "--property=MainPID", "--value", named]).text.trim();
    const status = readFileSync(machine.at(`/proc/${pid}/status`), "utf8");
    const limits = readFileSync(machine.at(`/proc/${pid}/limits`), "utf8");
    const uid = machine.run(["id", "-u", user]).text.trim();
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(uid);
    expect(/^CapEff:\s+(\w+)/m.exec(status)?.[1]).toBe("0000000000000000");
    expect(/^CapBnd:\s+(\w+)/m.exec(status)?.[1]).toBe("0000000000000000");
    expect(/^NoNewPrivs:\s+(\d)/m.exec(status)?.[1]).toBe("1");
    expect(/^Seccomp:\s+(\d)/m.exec(status)?.[1]).toBe("2");
    expect(/^Max core file size\s+(\d+)/m.exec(limits)?.[1]).toBe("0");
  });

  const probe = (name: Probed, other: string): Readonly<Record<string, string>> => {
    cpSync(join(projectRoot, "test/units/probe.mjs"), machine.at("/var/lib/probe.mjs"));
    const pid = machine.run(["systemctl", "show", "--property=MainPID", "--value", other]).text.trim();
    machine.run(["sh", "-c", `echo OTHER=${pid} > /run/probe.env`]);
    const unit = `probe-${name.replace("@", "@1")}.service`;
    const ran = machine.run(["systemctl", "start", unit]);
    const said = machine.run(["journalctl", "--no-pager", "--output=cat", `--unit=${unit}`]).text;
    const line = said.split("\n").find((one) => one.startsWith("{"));
    if (line === undefined) throw new Error(`${unit}: ${ran.text}\n${said}`);
    return JSON.parse(line);
  };

  const refused = expect.stringMatching(/^(?:E[A-Z]+|refused)$/);

  it("T30: the signer's unit reaches neither sticks nor spool, nor a network, and can read process 1's links (GAP)", () => {
    expect(probe("signer", "coldseal-daemon.service")).toEqual({
      "read signer.json": "done",
      "read the store": "done",
      "read the spool": refused,
      "write the spool": refused,
      "write incoming": refused,
      "write the stick": refused,
      "read the stick": refused,
      "write the code": refused,
      "write /etc": refused,
      "read process 1's links": "done",
      "see process 1": "done",
      "signal another": refused,
      mount: refused,
      "call signer": refused,
      "call unlock": refused,
      "call coldseald": refused,
      "call intake": refused,
      "listen on the network": refused,
    });
  });

  it("T30: the daemon's unit reaches spool and sticks, and nothing of the signer's but its socket", () => {
    expect(probe("daemon", "coldseal-signer.service")).toEqual({
      "read signer.json": "done",
      "read the store": refused,
      "read the spool": "done",
      "write the spool": "done",
      "write incoming": "done",
      "write the stick": "done",
      "read the stick": "done",
      "write the code": refused,
      "write /etc": refused,
      "read process 1's links": refused,
      "see process 1": refused,
      "signal another": refused,
      mount: refused,
      "call signer": "done",
      "call unlock": refused,
      "call coldseald": refused,
      "call intake": "done",
      "listen on the network": refused,
    });
  });

  it("T30: intake's unit reads the stick and writes the spool's incoming folder, and nothing else, also without Node's permission model", () => {
    expect(probe("intake@", "coldseal-signer.service")).toEqual({
      "read signer.json": refused,
      "read the store": refused,
      "read the spool": refused,
      "write the spool": refused,
      "write incoming": "done",
      "write the stick": refused,
      "read the stick": "done",
      "write the code": refused,
      "write /etc": refused,
      "read process 1's links": refused,
      "see process 1": refused,
      "signal another": refused,
      mount: refused,
      "call signer": refused,
      "call unlock": refused,
      "call coldseald": refused,
      "call intake": refused,
      "listen on the network": refused,
    });
  });

  it("NOTHING-LOST: what is killed comes back at the same sockets", async () => {
    for (const unit of ["coldseal-signer.service", "coldseal-daemon.service"]) {
      machine.run(["systemctl", "kill", "--signal=KILL", unit]);
    }
    const [first] = machine.operators;
    if (!first) throw new Error("no operator");
    await until("units", "released");
    succeeded(await asOperator(first, ["unlock"], { pin: machine.paths.box.pin }), "unlock");
  });
});
