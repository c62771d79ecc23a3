/**
 * A machine that boots systemd with the box's units, in a container over this machine's own files (overlay, changes in memory): the units' users, filters and
 * namespaces are the real ones. The sticks are folders of the host that are mounted where sticks appear. Needs root, systemd-nspawn and overlay.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { BoxPaths, OperatorPaths } from "../../ceremony/provision/layout.ts";
import { provision } from "../../ceremony/provision/provision.ts";
import { projectRoot } from "../../demo/project-root.ts";
import { layInstalledBox } from "./installed-box.ts";

const installed = "/usr/lib/coldseal";
const code = [
  "appliance",
  "ceremony",
  "desk",
  "hardware",
  "host",
  "manifests",
  "media",
  "node_modules",
  "package.json",
  "package-lock.json",
];
const units = join(projectRoot, "appliance/units");

/** Why such a machine cannot be started here; undefined where it can. */
export function missingForMachine(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  for (const tool of ["systemd-nspawn", "systemd-sysusers", "unshare"]) {
    if (spawnSync("which", [tool]).status !== 0) return `no ${tool}`;
  }
  return undefined;
}

export interface Machine {
  readonly paths: BoxPaths;
  readonly operators: readonly OperatorPaths[];
  /** a path of the machine as the host reaches it */
  at(path: string): string;
  /** Runs a command in the machine, as root unless `user` says whom. */
  run(command: readonly string[], user?: string): { readonly status: number; readonly text: string };
  journal(): string;
  end(): Promise<void>;
}

/** Boots; resolves when the daemon's socket is there. `more` are files by their path in the machine. */
export async function bootMachine(more: Readonly<Record<string, string>> = {}): Promise<Machine> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-units-"));
  const paths = await provision(join(dir, "box"), { profile: "ecdsa-p256-sha256", settleSeconds: 0, scanSeconds: 1 });
  const upper = join(dir, "upper");
  install(paths, upper, more);
  const log = join(dir, "console.log");
  const container = spawn(
    "setpriv",
    ["--pdeathsig", "KILL", "unshare", "-m", "sh", "-c", script(dir, paths.stick, log)],
    {
      stdio: "ignore",
    },
  );
  try {
    const leader = await leaderOf(container);
    const machine = overMachine(dir, paths, leader, container);
    for (let tries = 0; !existsSync(machine.at("/run/coldseal/coldseald.sock")); tries++) {
      if (tries > 300) throw new Error(`the machine did not come up:\n${readFileSync(log, "utf8")}`);
      await setTimeout(200);
    }
    machine.run(["chown", "-R", "coldseal-daemon:coldseal-spool", "/stick"]);
    // Only now, as a stick comes: what is made and mounted while the units run must be seen by them.
    machine.run(["mkdir", "/run/coldseal/media/in"]);
    const mounted = machine.run(["mount", "--bind", "/stick", "/run/coldseal/media/in"]);
    if (mounted.status !== 0) throw new Error(mounted.text);
    return machine;
  } catch (fault) {
    const printed = existsSync(log) ? readFileSync(log, "utf8") : "";
    await end(container, undefined, dir);
    throw new Error(`no machine: ${(fault as Error).message}\n${printed}`, { cause: fault });
  }
}

function install(paths: BoxPaths, upper: string, more: Readonly<Record<string, string>>): void {
  const put = (path: string, text: string) => {
    mkdirSync(join(upper, path, ".."), { recursive: true });
    writeFileSync(join(upper, path), text);
  };
  for (const name of readdirSync(units).filter((one) => /\.(?:service|socket)$/.test(one))) {
    put(`/etc/systemd/system/${name}`, readFileSync(join(units, name), "utf8"));
  }
  put("/usr/lib/sysusers.d/coldseal.conf", readFileSync(join(units, "coldseal.sysusers"), "utf8"));
  put("/usr/lib/tmpfiles.d/coldseal.conf", readFileSync(join(units, "coldseal.tmpfiles"), "utf8"));
  put("/etc/systemd/system/coldseal-test.target", target);
  layInstalledBox(paths, upper);
  for (const [path, text] of Object.entries(more)) put(path, text);
}

/** Nothing of the machine below but the box. */
const target = `[Unit]
Requires=basic.target coldseal-signer.socket coldseal-unlock.socket coldseal-daemon.socket coldseal-intake.socket
Wants=coldseal-signer.service coldseal-daemon.service
After=basic.target
AllowIsolate=yes
`;

function script(dir: string, stick: string, log: string): string {
  const binds = code.map((name) => `--bind-ro=${join(projectRoot, name)}:${installed}/${name}`);
  const stickBind = `--bind=${stick}:/stick`;
  const node = `--bind-ro=${process.execPath}:${installed}/node/bin/node`;
  return `exec > ${log} 2>&1
    set -ex
    mkdir ${dir}/mnt; mount -t tmpfs none ${dir}/mnt
    mkdir ${dir}/mnt/upper ${dir}/mnt/work ${dir}/mnt/root
    cp -a ${dir}/upper/. ${dir}/mnt/upper/
    mount -t overlay overlay -o lowerdir=/,upperdir=${dir}/mnt/upper,workdir=${dir}/mnt/work ${dir}/mnt/root
    R=${dir}/mnt/root
    systemd-sysusers --root=$R coldseal.conf
    chmod 755 $R/etc/coldseal $R/etc/coldseal/pki; chmod 644 $R/etc/coldseal/*.json $R/etc/coldseal/*.conf $R/etc/coldseal/pki/*
    chroot $R chown -R coldseal-signer:coldseal-signer /var/lib/coldseal/signer
    exec systemd-nspawn --register=no --keep-unit --quiet --directory=$R --private-network --machine=coldseal-test-$$ \\
      ${[...binds, node, stickBind].join(" ")} --boot systemd.unit=coldseal-test.target`;
}

/** Process 1 of the machine, as the host sees it. */
async function leaderOf(container: ChildProcess): Promise<number> {
  for (let tries = 0; tries < 150; tries++) {
    await setTimeout(100);
    if (container.exitCode !== null) throw new Error("the container ended");
    const children = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, "utf8").trim().split(" ");
    for (const pid of children.filter((one) => one !== "")) {
      const name = existsSync(`/proc/${pid}/comm`) ? readFileSync(`/proc/${pid}/comm`, "utf8").trim() : "";
      if (name === "systemd") return Number(pid);
    }
  }
  throw new Error("systemd does not start in it");
}

function overMachine(dir: string, paths: BoxPaths, leader: number, container: ChildProcess): Machine {
  const at = (path: string) => `/proc/${leader}/root${path}`;
  const enter = ["-t", String(leader), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--"];
  const run: Machine["run"] = (command, user) => {
    const as = user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"];
    const { status, stdout, stderr } = spawnSync("nsenter", [...enter, ...as, ...command], { encoding: "utf8" });
    return { status: status ?? 1, text: `${stdout}${stderr}` };
  };
  const operators = paths.operators.map((one) => {
    const json = readFileSync(one.operatorJson, "utf8").replaceAll(paths.box.run, at("/run/coldseal"));
    const operatorJson = join(one.folder, "of-machine.json");
    writeFileSync(operatorJson, json);
    return { ...one, operatorJson };
  });
  return {
    paths,
    operators,
    at,
    run,
    journal: () => run(["journalctl", "--no-pager", "--output=cat", "--unit=coldseal*"]).text,
    end: () => end(container, leader, dir),
  };
}

async function end(container: ChildProcess, leader: number | undefined, dir: string): Promise<void> {
  const gone = container.exitCode !== null ? undefined : new Promise((resolve) => container.once("exit", resolve));
  // Process 1 takes all others of the machine with it.
  if (leader !== undefined) execFileSync("kill", ["-KILL", String(leader)]);
  else container.kill("SIGKILL");
  await gone;
  rmSync(dir, { recursive: true, force: true });
}
