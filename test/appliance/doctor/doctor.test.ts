import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { boxChecks } from "../../../appliance/doctor/box-checks.ts";
import { examine } from "../../../appliance/doctor/check.ts";
import { doctorWords } from "../../../appliance/doctor/doctor-words.ts";
import { kernelChecks } from "../../../appliance/doctor/kernel-checks.ts";
import type { Owned, System } from "../../../appliance/doctor/system.ts";
import { projectRoot } from "../../../demo/project-root.ts";
import { plain } from "../../../host/terminal/style.ts";

const checks = [...kernelChecks, ...boxChecks];

interface Machine {
  readonly files: Readonly<Record<string, string>>;
  readonly owned: Readonly<Record<string, Owned>>;
}

const header = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes packets\n";
const closed = (uid: number): Owned => ({ kind: "folder", mode: 0o700, uid });
const roots: Owned = { kind: "file", mode: 0o644, uid: 0 };
const confined = (uid: number) => `Uid:\t${uid}\t${uid}\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n`;

/** A machine with which nothing is wrong. */
const good: Machine = {
  files: {
    "/proc/swaps": "Filename\tType\tSize\n",
    "/proc/sys/kernel/core_pattern": "|/bin/false\n",
    "/proc/sys/kernel/yama/ptrace_scope": "2\n",
    "/proc/sys/kernel/kexec_load_disabled": "1\n",
    "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
    "/sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI\n",
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61": "\x06\0\0\0\x01",
    "/sys/kernel/security/tpm0/binary_bios_measurements": "",
    "/proc/1/mounts": "rootfs / rootfs rw 0 0\n/dev/sda1 / ext4 ro,relatime 0 0\n/dev/sda2 /var ext4 rw 0 0\n",
    "/proc/1/net/dev": `${header}    lo: 0 0 0 0\n`,
    "/proc/1/comm": "systemd\n",
    "/proc/40/comm": "usbguard-daemon\n",
    "/proc/50/cmdline": "node\0/usr/lib/coldseal/appliance/signer/main.ts\0run\0",
    "/proc/50/status": confined(990),
    "/proc/51/cmdline": "node\0/usr/lib/coldseal/appliance/daemon/main.ts\0",
    "/proc/51/status": confined(991),
    "/etc/passwd":
      "root:x:0:0::/root:/bin/sh\ncoldseal-signer:x:990:990::/:/usr/sbin/nologin\n" +
      "coldseal-daemon:x:991:991::/:/usr/sbin/nologin\ncoldseal-intake:x:992:992::/:/usr/sbin/nologin\n",
    "/etc/coldseal/signer.json": '{"hsm": "hardware", "isolation": "units"}',
    "/etc/systemd/system/sockets.target.wants/coldseal-signer.socket": "",
    "/usr/lib/systemd/system/coldseal-signer.service": "",
    "/usr/lib/coldseal/host/wire.ts": "",
  },
  owned: {
    "/var/lib/coldseal/signer": closed(990),
    "/var/lib/coldseal/spool/batches": closed(991),
    "/etc/coldseal": { kind: "folder", mode: 0o755, uid: 0 },
    "/etc/coldseal/signer.json": roots,
    "/etc/coldseal/daemon.json": roots,
    "/usr/lib/coldseal": { kind: "folder", mode: 0o755, uid: 0 },
    "/usr/lib/coldseal/host": { kind: "folder", mode: 0o755, uid: 0 },
    "/usr/lib/coldseal/host/wire.ts": roots,
    "/usr/lib/coldseal/host/link": { kind: "link", mode: 0o777, uid: 0 },
  },
};

function systemOf({ files, owned }: Machine): System {
  const paths = [...Object.keys(files), ...Object.keys(owned)];
  return {
    text: (path) => files[path],
    bytes: (path) => (files[path] === undefined ? undefined : Buffer.from(files[path], "latin1")),
    names: (path) => {
      const below = paths.filter((one) => one.startsWith(`${path}/`)).map((one) => one.slice(path.length + 1));
      return below.length === 0 ? undefined : [...new Set(below.map((one) => one.split("/")[0] ?? ""))];
    },
    owned: (path) => owned[path],
  };
}

const short = (machine: Machine) =>
  examine(checks, systemOf(machine))
    .filter(({ outcome }) => outcome !== "good")
    .map(({ id, outcome }) => `${id} ${outcome}`);

const withFiles = (files: Readonly<Record<string, string>>): Machine => ({
  ...good,
  files: { ...good.files, ...files },
});
const withOwned = (owned: Readonly<Record<string, Owned>>): Machine => ({
  ...good,
  owned: { ...good.owned, ...owned },
});

describe("the doctor", () => {
  it("finds nothing wrong with a machine that is as docs/hardening.md wants it", () => {
    expect(short(good)).toEqual([]);
  });

  it.each<[string, Machine]>([
    ["no-swap", withFiles({ "/proc/swaps": "Filename\tType\n/dev/sda3 partition 1\n" })],
    ["no-core-files", withFiles({ "/proc/sys/kernel/core_pattern": "core\n" })],
    ["no-ptrace", withFiles({ "/proc/sys/kernel/yama/ptrace_scope": "1\n" })],
    ["no-kexec", withFiles({ "/proc/sys/kernel/kexec_load_disabled": "0\n" })],
    ["lockdown", withFiles({ "/sys/kernel/security/lockdown": "[none] integrity confidentiality\n" })],
    ["mitigations", withFiles({ "/sys/devices/system/cpu/vulnerabilities/mds": "Vulnerable; SMT on\n" })],
    ["secure-boot", withFiles({ "/sys/firmware/efi/efivars/SecureBoot-8be4df61": "\x06\0\0\0\0" })],
    ["read-only-root", withFiles({ "/proc/1/mounts": "/dev/sda1 / ext4 rw,relatime 0 0\n" })],
    ["no-network", withFiles({ "/proc/1/net/dev": `${header}    lo: 0 0\n  eth0: 0 0\n` })],
    ["usbguard", withFiles({ "/proc/40/comm": "bash\n" })],
    ["no-remote-login", withFiles({ "/proc/41/comm": "sshd\n" })],
    [
      "users",
      withFiles({
        "/etc/passwd": (good.files["/etc/passwd"] ?? "").replace("992::/:/usr/sbin/nologin", "992::/:/bin/bash"),
      }),
    ],
    ["units-as-shipped", withFiles({ "/etc/systemd/system/coldseal-intake@.service.d/mine.conf": "" })],
    ["processes-confined", withFiles({ "/proc/50/status": confined(990).replace("Seccomp:\t2", "Seccomp:\t0") })],
    ["processes-confined", withFiles({ "/proc/51/status": confined(0) })],
    ["processes-confined", withFiles({ "/proc/51/cmdline": "node\0" })],
    ["state-closed", withOwned({ "/var/lib/coldseal/signer": { ...closed(990), mode: 0o750 } })],
    ["state-closed", withOwned({ "/var/lib/coldseal/spool/batches": closed(992) })],
    ["settings-roots", withOwned({ "/etc/coldseal/daemon.json": { ...roots, uid: 991 } })],
    ["code-roots", withOwned({ "/usr/lib/coldseal/host/wire.ts": { ...roots, mode: 0o664 } })],
    ["code-roots", withOwned({ "/usr/lib/coldseal/host": { kind: "folder", mode: 0o755, uid: 1000 } })],
    ["hardware-token", withFiles({ "/etc/coldseal/signer.json": '{"hsm": "software-token", "isolation": "units"}' })],
    ["hardware-token", withFiles({ "/etc/coldseal/signer.json": '{"hsm": "hardware", "isolation": "none"}' })],
  ])("%s falls short where it does, and nothing else", (id, machine) => {
    expect(short(machine)).toEqual([`${id} short`]);
  });

  it("never calls good what it cannot see", () => {
    const findings = examine(checks, systemOf({ files: {}, owned: {} }));
    expect(findings.filter(({ outcome }) => outcome === "good").map(({ id }) => id)).toEqual([]);
    expect(doctorWords(findings, plain).at(-1)).toContain("not good");
  });

  it("says nothing is wrong only where nothing is", () => {
    expect(doctorWords(examine(checks, systemOf(good)), plain).at(-1)).toBe(`all ${checks.length} checks are good`);
  });

  it("every check has its row in docs/hardening.md with the same command, and every row its check", () => {
    const page = readFileSync(join(projectRoot, "docs/hardening.md"), "utf8");
    const section = page.split("\n## ").find((one) => one.startsWith("What the doctor looks at")) ?? "";
    const rows = [...section.matchAll(/^\| ([a-z-]+) \| .* \| `(.*?)` \| /gm)].filter(([, id]) => id !== "id");
    const written = rows.map(([, id, command = ""]) => [id, command.replaceAll("\\|", "|")]);
    expect(written).toEqual(checks.map(({ id, command }) => [id, command]));
  });

  it("runs on this very machine, as a process, in words and as JSON", () => {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [join(projectRoot, "appliance/doctor/main.ts"), ...args], { encoding: "utf8" });
    const words = run("doctor");
    const json = JSON.parse(run("doctor", "--json").stdout) as { ok: boolean; findings: { id: string }[] };
    expect(json.findings.map(({ id }) => id)).toEqual(checks.map(({ id }) => id));
    expect(words.status).toBe(json.ok ? 0 : 1);
    for (const { id } of checks) expect(words.stdout).toContain(` ${id} `);
    expect(run("nothing")).toMatchObject({ status: 2, stderr: expect.stringContaining("USAGE") });
  });
});
