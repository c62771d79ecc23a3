/**
 * What the virtual box boots: Debian's kernel, a small initrd, and a root made of Debian's packages and the product's own .deb, installed as on any box. Each part is
 * kept in .cache/vm by what it is made of.
 */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digest, inScratch, kept } from "./kept.ts";

export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  /** the installed machine without a box: a folder, which only root reads whole */
  readonly root: string;
}

/** in the virtual box */
export const compiled = "/var/cache/compiled";

const suite = "bookworm";
const packages = ["systemd", "systemd-sysv", "udev", "softhsm2", "libstdc++6", "libatomic1", "util-linux"];
const modules = [
  "virtio_pci",
  "virtio_blk",
  "virtio_console",
  "ext4",
  "xhci_pci",
  "usb_storage",
  "sd_mod",
  "vfat",
  "exfat",
  "usbhid",
];
const charsets = ["nls_cp437", "nls_ascii", "nls_utf8", "nls_iso8859-1"];

/** Makes what is missing. Needs root, debootstrap and Debian's mirror the first time. `deb` is the product's package. */
export async function makeImage(deb: string, say: (line: string) => void): Promise<Image> {
  const part = (name: string, of: string, make: (to: string) => void) =>
    kept(name, of, (to) => {
      say(`the image's ${name} is made`);
      make(to);
    });
  const debian = await part("debian", `${suite} ${packages.join(" ")}`, (to) => {
    run("debootstrap", "--variant=minbase", `--include=${packages.join(",")}`, suite, to);
  });
  const kernel = await part("kernel", `${suite} ${[...modules, ...charsets].join(" ")}`, unpackKernel);
  const agent = readFileSync(join(import.meta.dirname, "agent.mjs"));
  const own = digest(readFileSync(import.meta.filename));
  const root = await part("root", `${debian} ${kernel} ${digest(readFileSync(deb))} ${digest(agent)} ${own}`, (to) => {
    cpSync(debian, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    fillRoot(to, kernel, deb);
  });
  return { kernel: join(kernel, "vmlinuz"), initrd: join(kernel, "initrd"), root };
}

/** A disk with the machine on it, and what `add` puts below its root beside. */
export function makeDisk(image: Image, file: string, add: (root: string) => void): Promise<void> {
  return inScratch((root) => {
    run("cp", "-a", `${image.root}/.`, root);
    add(root);
    run("truncate", "-s", "1600M", file);
    run("mkfs.ext4", "-q", "-F", "-d", root, file);
  });
}

function unpackKernel(to: string): void {
  const work = `${to}.work`;
  mkdirSync(work, { recursive: true });
  const depends = execFileSync("apt-cache", ["depends", "linux-image-amd64"], { encoding: "utf8" });
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (!name) throw new Error("apt knows no kernel");
  for (const one of [name, "busybox-static", "kmod"]) execFileSync("apt-get", ["download", "-q", one], { cwd: work });
  for (const deb of readdirSync(work).filter((one) => one.endsWith(".deb"))) {
    run("dpkg", "-x", join(work, deb), join(work, deb.startsWith("linux") ? "kernel" : "tools"));
  }
  const kernel = join(work, "kernel");
  const version = readdirSync(join(kernel, "lib/modules"))[0] ?? "";
  const kmod = join(work, "tools/bin/kmod");
  for (const tool of ["depmod", "modprobe"]) run("ln", "-s", kmod, join(work, tool));
  run(join(work, "depmod"), "-b", kernel, version);
  const needed = (names: readonly string[]) => [
    ...new Set(
      names.flatMap((one) =>
        execFileSync(join(work, "modprobe"), ["-d", kernel, "-S", version, "--show-depends", "--ignore-install", one], {
          encoding: "utf8",
        })
          .split("\n")
          .filter((line) => line.startsWith("insmod "))
          .map((line) => line.split(" ")[1] ?? ""),
      ),
    ),
  ];
  const folder = join(to, "modules", version);
  for (const file of needed([...modules, ...charsets])) {
    const inside = join(folder, file.slice(file.indexOf(version) + version.length + 1));
    mkdirSync(join(inside, ".."), { recursive: true });
    cpSync(file, inside);
  }
  for (const file of ["modules.order", "modules.builtin", "modules.builtin.modinfo"]) {
    cpSync(join(kernel, "lib/modules", version, file), join(folder, file));
  }
  mkdirSync(join(to, "lib"));
  run("ln", "-s", "../modules", join(to, "lib/modules"));
  run(join(work, "depmod"), "-b", to, version);
  cpSync(join(kernel, "boot", `vmlinuz-${version}`), join(to, "vmlinuz"));
  makeInitrd(work, join(to, "initrd"), needed(["virtio_pci", "virtio_blk", "ext4"]));
  rmSync(work, { recursive: true, force: true });
}

function makeInitrd(work: string, to: string, files: readonly string[]): void {
  const root = join(work, "initrd");
  for (const folder of ["bin", "dev", "proc", "new", "m"]) mkdirSync(join(root, folder), { recursive: true });
  const busybox = join(work, "tools/bin/busybox");
  cpSync(busybox, join(root, "bin/busybox"));
  for (const tool of ["sh", "mount", "insmod", "switch_root", "sleep", "umount"])
    run("ln", "-s", "busybox", join(root, "bin", tool));
  for (const [at, file] of files.entries()) cpSync(file, join(root, "m", `${String(at).padStart(2, "0")}.ko`));
  writeFileSync(
    join(root, "init"),
    `#!/bin/sh
mount -t proc p /proc; mount -t devtmpfs d /dev
for file in /m/*; do insmod $file; done
while [ ! -b /dev/vda ]; do sleep 0.05; done
mount -t ext4 /dev/vda /new
mount -o move /dev /new/dev; umount /proc
exec switch_root /new /usr/lib/systemd/systemd
`,
    { mode: 0o755 },
  );
  const archive = execFileSync("sh", ["-c", `cd ${root} && find . | ${busybox} cpio -o -H newc`], {
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
  });
  writeFileSync(to, archive);
}

/** The machine's own things: modules, the agent, and the product's package as anybody installs it. */
function fillRoot(root: string, kernel: string, deb: string): void {
  run("cp", "-a", join(kernel, "modules"), join(root, "lib/modules"));
  const put = (path: string, text: string) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  put("/etc/modules-load.d/box.conf", `${[...modules, ...charsets].join("\n")}\n`);
  put("/etc/modprobe.d/box.conf", "options usb-storage delay_use=0\n");
  put("/etc/fstab", "");
  put("/etc/systemd/system/agent.service", agentUnit);
  // Beside the product, whose code it uses.
  const agent = join(root, "usr/lib/coldseal/test/vm/agent.mjs");
  mkdirSync(join(agent, ".."), { recursive: true });
  cpSync(join(import.meta.dirname, "agent.mjs"), agent);
  cpSync(deb, join(root, "tmp/coldseal.deb"));
  // No network: nothing can be fetched. /proc is there, as on a machine that runs.
  const inside = (script: string) =>
    run("unshare", "-m", "-n", "chroot", root, "sh", "-ec", `mount -t proc proc /proc\n${script}`);
  inside(`dpkg -i /tmp/coldseal.deb
    rm /tmp/coldseal.deb
    systemctl enable agent.service
    systemctl mask getty.target serial-getty@ttyS0.service systemd-logind.service`);
  compileBeforehand(root, put, inside);
}

/**
 * An emulated processor takes many seconds to compile a process's code, so it comes compiled: each process was started once, by its unit's own words, with nothing to do.
 * That, and leave for it to intake's Node, is all that the units here have that others have not.
 */
function compileBeforehand(
  root: string,
  put: (path: string, text: string) => void,
  inside: (script: string) => void,
): void {
  const lines = [`mkdir -m 1777 ${compiled}`, `export NODE_COMPILE_CACHE=${compiled} LANG=C.UTF-8 TZ=UTC`];
  for (const unit of ["signer", "daemon", "intake@", "mount"]) {
    const name = `coldseal-${unit}.service`;
    const text = readFileSync(join(root, "usr/lib/systemd/system", name), "utf8");
    const packaged = /^ExecStart=(.*?)(?: (\/etc\/coldseal\/\S+))?$/m.exec(text);
    // Node takes what was compiled only where it may write it, too.
    const leave = ` --permission --allow-fs-read=${compiled} --allow-fs-write=${compiled} `;
    const start = packaged?.[1]?.replace(" --permission ", leave) ?? "";
    const own = `Environment=NODE_COMPILE_CACHE=${compiled}\nExecStart=\nExecStart=${start} ${packaged?.[2] ?? ""}\n`;
    put(`/etc/systemd/system/${name}.d/compiled.conf`, `[Service]\n${own}`);
    const user = /^User=(.*)$/m.exec(text)?.[1] ?? "root";
    lines.push(`setpriv --reuid=${user} --clear-groups ${start} /nowhere </dev/null || true`);
  }
  for (const command of ["list", "unlock", "approve x", "export x"]) {
    lines.push(`ceremony --as /nowhere --pin-fd 3 ${command} 3</dev/null || true`);
  }
  inside(lines.join("\n"));
}

const agentUnit = `[Unit]
After=basic.target
[Service]
Environment=NODE_COMPILE_CACHE=${compiled}
ExecStart=/usr/lib/coldseal/node/bin/node /usr/lib/coldseal/test/vm/agent.mjs
Restart=always
[Install]
WantedBy=multi-user.target
`;

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 });
}
