/**
 * A bare Debian root (debootstrap, minbase) without network, to install into. Made once and kept below .cache/, with the software token's
 * packages beside it, as they would come on a stick from an HSM's vendor.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../structure/source-files.ts";

const release = "bookworm";
const kept = join(projectRoot, ".cache/bare-root", `${release}-${process.arch}`);

/** Whether this machine can make one: as root, with debootstrap and namespaces. */
export const canMakeRoot =
  process.getuid?.() === 0 && ends("debootstrap", ["--version"]) && ends("unshare", ["-nmpf", "true"]);

export interface BareRoot {
  readonly folder: string;
  /** a folder of the root where the stick is */
  readonly stick: string;
  /** Runs a shell script in it: no network but loopback, processes of its own. */
  run(script: string): { readonly status: number | null; readonly output: string };
  remove(): void;
}

export function bareRoot(): BareRoot {
  if (!existsSync(kept)) make();
  const folder = mkdtempSync(join(tmpdir(), "coldseal-root-"));
  execFileSync("tar", ["-xf", join(kept, "root.tar"), "-C", folder]);
  const stick = join(folder, "mnt/stick");
  mkdirSync(stick, { recursive: true });
  cpSync(join(kept, "hsm"), join(stick, "hsm"), { recursive: true });
  return { folder, stick, run: (script) => within(folder, script), remove: () => rmSync(folder, { recursive: true }) };
}

function within(folder: string, script: string): { readonly status: number | null; readonly output: string } {
  const whole = `mount -t proc proc /proc\nexec 2>&1\n${script}\n`;
  const { status, stdout, stderr } = spawnSync("unshare", ["-nmpf", "chroot", folder, "/bin/sh", "-c", whole], {
    encoding: "utf8",
    env: { HOME: "/root", LANG: "C.UTF-8", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    maxBuffer: 64 << 20,
  });
  return { status, output: stdout + stderr };
}

/** Whole, or not at all. */
function make(): void {
  const work = `${kept}.${process.pid}`;
  const root = join(work, "root");
  mkdirSync(root, { recursive: true });
  try {
    execFileSync("debootstrap", ["--variant=minbase", release, root], { stdio: ["ignore", "ignore", "pipe"] });
    const inRoot = (...command: readonly string[]) => execFileSync("chroot", [root, ...command], { stdio: "ignore" });
    inRoot("apt-get", "clean");
    execFileSync("tar", ["--exclude=./proc/*", "--exclude=./sys/*", "-cf", join(work, "root.tar"), "-C", root, "."]);
    cpSync("/etc/resolv.conf", join(root, "etc/resolv.conf"), { dereference: true });
    inRoot("apt-get", "update");
    inRoot("apt-get", "install", "-y", "--download-only", "--no-install-recommends", "softhsm2");
    mkdirSync(join(work, "hsm"));
    const archives = join(root, "var/cache/apt/archives");
    for (const name of readdirSync(archives).filter((one) => one.endsWith(".deb"))) {
      cpSync(join(archives, name), join(work, "hsm", name));
    }
    rmSync(root, { recursive: true });
    renameSync(work, kept);
  } catch (fault) {
    rmSync(work, { recursive: true, force: true });
    throw fault;
  }
}

function ends(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
