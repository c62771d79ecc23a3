/** Kernel, memory and start of the machine. */

import { otherLinks } from "../../host/network-links.ts";
import { type Check, setting } from "./check.ts";
import type { System } from "./system.ts";

const sysctl = (name: string) => `/proc/sys/${name.replaceAll(".", "/")}`;
const sysctlFile = "install /usr/lib/sysctl.d/60-coldseal.conf (the package does) and restart";

export const kernelChecks: readonly Check[] = [
  {
    id: "no-swap",
    title: "no swap: memory with PINs is never written to a disk",
    command: "cat /proc/swaps",
    next: "swapoff -a, and remove it from /etc/fstab",
    look(system) {
      const lines = system.text("/proc/swaps")?.trim().split("\n").slice(1);
      return lines && { good: lines.length === 0, got: lines.map((one) => one.split(/\s/)[0]).join(", ") || "none" };
    },
  },
  {
    id: "no-core-files",
    title: "no core files, whatever a process's own limit is",
    command: "sysctl kernel.core_pattern",
    next: sysctlFile,
    look: setting(sysctl("kernel.core_pattern"), (value) => value === "|/bin/false"),
  },
  {
    id: "no-ptrace",
    title: "only root traces other processes",
    command: "sysctl kernel.yama.ptrace_scope",
    next: sysctlFile,
    look: setting(sysctl("kernel.yama.ptrace_scope"), (value) => Number(value) >= 2),
  },
  {
    id: "no-kexec",
    title: "the running kernel cannot be replaced by another",
    command: "sysctl kernel.kexec_load_disabled",
    next: sysctlFile,
    look: setting(sysctl("kernel.kexec_load_disabled"), (value) => value === "1"),
  },
  {
    id: "lockdown",
    title: "kernel lockdown: root does not change the running kernel",
    command: "cat /sys/kernel/security/lockdown",
    next: "start with lockdown=integrity, or with Secure Boot",
    look: setting("/sys/kernel/security/lockdown", (value) => /\[(?:integrity|confidentiality)\]/.test(value)),
  },
  {
    id: "mitigations",
    title: "no known hole of the processor is open",
    command: "grep . /sys/devices/system/cpu/vulnerabilities/*",
    next: "install the processor's microcode, and start without mitigations=off",
    look: vulnerabilities,
  },
  {
    id: "secure-boot",
    title: "Secure Boot: only a signed kernel starts",
    command: "mokutil --sb-state",
    next: "turn it on in the firmware, and set its password",
    look(system) {
      const name = system.names("/sys/firmware/efi/efivars")?.find((one) => /^SecureBoot-/.test(one));
      const value = name === undefined ? undefined : system.bytes(`/sys/firmware/efi/efivars/${name}`)?.at(-1);
      return value === undefined ? undefined : { good: value === 1, got: value === 1 ? "on" : "off" };
    },
  },
  {
    id: "measured-boot",
    title: "a TPM has measured what started",
    command: "ls /sys/kernel/security/tpm0/binary_bios_measurements",
    next: "turn the TPM on in the firmware; `ceremony enrol-device` then binds it to the box",
    look(system) {
      const names = system.names("/sys/kernel/security/tpm0");
      if (!names) return undefined;
      const measured = names.includes("binary_bios_measurements");
      return { good: measured, got: measured ? "an event log" : "a TPM without an event log" };
    },
  },
  {
    id: "read-only-root",
    title: "the root file system is read-only",
    command: "findmnt -no OPTIONS /",
    next: "mount / read-only, and give /var/lib/coldseal and /var/log file systems of their own",
    look(system) {
      const rows = system
        .text("/proc/1/mounts")
        ?.trim()
        .split("\n")
        .map((one) => one.split(" "));
      // The last one mounted there is the one that is seen.
      const options = rows?.findLast(([, at]) => at === "/")?.[3]?.split(",");
      return options && { good: options.includes("ro"), got: options.includes("ro") ? "ro" : "rw" };
    },
  },
  {
    id: "no-network",
    title: "no network link but loopback (GAP)",
    command: "cat /proc/1/net/dev",
    next: "take the card out, or leave its driver out of the kernel",
    look(system) {
      const text = system.text("/proc/1/net/dev");
      if (text === undefined) return undefined;
      try {
        const links = otherLinks(() => text);
        return { good: links.length === 0, got: links.join(", ") || "none" };
      } catch {
        return undefined;
      }
    },
  },
];

function vulnerabilities(system: System) {
  const folder = "/sys/devices/system/cpu/vulnerabilities";
  const names = system.names(folder);
  if (!names) return undefined;
  const open = names.filter((name) => system.text(`${folder}/${name}`)?.startsWith("Vulnerable") !== false);
  return { good: open.length === 0, got: open.join(", ") || "none" };
}
