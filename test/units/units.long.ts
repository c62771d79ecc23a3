import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RowState } from "../../appliance/client/batch-row.ts";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import { approve, asOperator, submit, succeeded } from "../../demo/people.ts";
import { runCommand } from "../../demo/run-command.ts";
import { bootMachine, type Machine, missingForMachine } from "./machine.ts";

const missing = missingForMachine();
if (missing && process.env.CI) throw new Error(`units cannot be tried: ${missing}`);
if (missing) process.stderr.write(`SKIPPED: the units are not tried on a real systemd here: ${missing}\n`);

describe.skipIf(missing)("the units, on a real systemd", () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await bootMachine();
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
