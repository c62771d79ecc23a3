/** A virtual box: QEMU without a network card, driven by QMP, with commands run inside by an agent, and sticks that can be plugged and pulled. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Ran, RunOptions } from "../../demo/run-command.ts";
import { within } from "../faults/waiting.ts";
import type { Image } from "./image.ts";
import { connectSoon, onLines } from "./json-lines.ts";

type Message = { readonly [name: string]: unknown };

interface Running {
  stdout: string;
  stderr: string;
  transcript: string;
  printed: string;
  readonly answer: ((printed: string) => string | undefined) | undefined;
  readonly done: (ran: Ran) => void;
}

/** Milliseconds for the boot, and for a command: an emulated machine beside other work is slow. */
const bootPatience = 180_000;
const patience = 240_000;

/** The box's disk as QEMU's -blockdev names it, with `node-name=root`. */
export type Disk = string;

/** A file that is the disk's bytes. */
export function rawDisk(file: string): Disk {
  return `driver=raw,node-name=root,file.driver=file,file.filename=${file}`;
}

/** What changes goes to `file`, and the raw disk below stays as it is. */
export function overlay(file: string, below: string): Disk {
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", below, file]);
  return overlayAgain(file);
}

/** The overlay as a machine left it. */
export function overlayAgain(file: string): Disk {
  return `driver=qcow2,node-name=root,file.driver=file,file.filename=${file}`;
}

/** A raw disk that also logs each write and flush. */
export function loggedDisk(file: string, log: string): Disk {
  const inner = `file.driver=raw,file.file.driver=file,file.file.filename=${file}`;
  return `driver=blklogwrites,node-name=root,${inner},log.driver=raw,log.file.driver=file,log.file.filename=${log}`;
}

export interface VmOptions {
  readonly disk: Disk;
  /** a machine that was saved: goes on where that one was */
  readonly saved?: string;
}

export class VirtualBox {
  readonly #dir: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #control: Socket | undefined;
  #agent: Socket | undefined;
  #ready: () => void = () => undefined;
  readonly #answers: ((message: Message) => void)[] = [];
  readonly #events: Message[] = [];
  #wake: (() => void)[] = [];
  readonly #running = new Map<number, Running>();
  #last = 0;

  private constructor(dir: string, process: ChildProcess) {
    this.#dir = dir;
    this.#process = process;
    this.#exited = new Promise((resolve) => process.once("exit", () => resolve()));
  }

  /** Boots; resolves when the agent inside answers. */
  static async boot({ kernel, initrd }: Image, { disk, saved }: VmOptions): Promise<VirtualBox> {
    const dir = mkdtempSync(join(tmpdir(), "coldseal-vm-"));
    const args = [
      ...["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "qemu64", "-smp", "2", "-m", "1024"],
      ...["-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-nic", "none"],
      ...["-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 panic=-1"],
      ...["-chardev", `file,id=con,path=${dir}/console.log`, "-serial", "chardev:con"],
      ...["-qmp", `unix:${dir}/control,server=on,wait=off`, "-device", "virtio-serial-pci"],
      ...["-chardev", `socket,id=agent,path=${dir}/agent,server=on,wait=off`],
      ...["-device", "virtserialport,chardev=agent,name=agent", "-device", "qemu-xhci,id=xhci"],
      ...["-blockdev", disk, "-device", "virtio-blk-pci,drive=root"],
      ...(saved ? ["-incoming", `exec:cat ${saved}`] : []),
    ];
    const qemu = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...args], { stdio: "ignore" });
    const box = new VirtualBox(dir, qemu);
    try {
      await box.#connect(saved !== undefined);
      return box;
    } catch (fault) {
      const console = box.#console();
      await box.cut();
      throw new Error(`the virtual box does not come up: ${(fault as Error).message}\n${console.slice(-2000)}`);
    }
  }

  #console(): string {
    try {
      return readFileSync(join(this.#dir, "console.log"), "utf8");
    } catch {
      return "";
    }
  }

  async #connect(saved: boolean): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    this.#control = await connectSoon(join(this.#dir, "control"));
    onLines(this.#control, (message) => this.#controlTold(message));
    await this.control("qmp_capabilities");
    if (saved) await this.#goOn();
    this.#agent = await connectSoon(join(this.#dir, "agent"));
    onLines(this.#agent, (message) => this.#agentTold(message));
    if (saved) {
      // The saved machine's clock stood still meanwhile.
      await this.shell(`date -s @${(Date.now() / 1000).toFixed(3)}`);
    } else await within(bootPatience, ready, "its agent does not answer");
  }

  async #goOn(): Promise<void> {
    for (;;) {
      const { status } = (await this.control("query-status")) as { readonly status: string };
      if (status === "running") return;
      if (status === "paused") await this.control("cont");
      await setTimeout(50);
    }
  }

  /** Stops the machine for good, and saves what it was in the middle of. */
  async save(file: string): Promise<void> {
    await this.control("stop");
    await this.control("migrate", { uri: `exec:cat >${file}` });
    for (;;) {
      const { status } = (await this.control("query-migrate")) as { readonly status: string };
      if (status === "completed") break;
      if (status === "failed") throw new Error("the virtual box cannot be saved");
      await setTimeout(50);
    }
    await this.cut();
  }

  #controlTold(message: Message): void {
    if ("event" in message) {
      this.#events.push(message);
      for (const wake of this.#wake.splice(0)) wake();
    } else if ("return" in message || "error" in message) this.#answers.shift()?.(message);
  }

  /** A QMP command. */
  control(execute: string, args: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#answers.push((message) => {
        if ("error" in message) reject(new Error(`${execute}: ${JSON.stringify(message.error)}`));
        else resolve(message.return);
      });
      this.#control?.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
  }

  #agentTold(message: Message): void {
    if (message.ready) this.#ready();
    const id = message.id as number;
    const running = this.#running.get(id);
    if (!running) return;
    for (const name of ["stdout", "stderr"] as const) {
      const text = message[name];
      if (typeof text !== "string") continue;
      running[name] += text;
      running.transcript += text;
      running.printed += text;
      const answer = running.answer?.(running.printed);
      if (answer === undefined) continue;
      running.printed = "";
      running.transcript += answer;
      this.#agent?.write(`${JSON.stringify({ id, input: answer })}\n`);
    }
    if (typeof message.status !== "number") return;
    this.#running.delete(id);
    const { stdout, stderr, transcript } = running;
    running.done({ status: message.status, stdout, stderr, transcript });
  }

  /** Runs a command in the box, as root. */
  run(
    command: readonly string[],
    options: Pick<RunOptions, "secret" | "answer"> & { readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Ran> {
    const secret = options.secret ? Buffer.from(options.secret).toString("base64") : undefined;
    return this.#ask({ run: command, secret, env: options.env }, command.join(" "), options.answer);
  }

  /** What the daemon lists, asked by the agent itself. */
  listing(): Promise<Ran> {
    return this.#ask({ listing: true }, "the daemon's list");
  }

  #ask(request: object, name: string, answer?: RunOptions["answer"]): Promise<Ran> {
    const id = ++this.#last;
    const ran = new Promise<Ran>((done) => {
      const texts = { stdout: "", stderr: "", transcript: "", printed: "" };
      this.#running.set(id, { ...texts, answer, done });
      this.#agent?.write(`${JSON.stringify({ id, ...request })}\n`);
    });
    return within(patience, ran, `no end of ${name}`);
  }

  /** A line of a shell; what it printed. Throws where it fails. */
  async shell(line: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(["sh", "-c", line]);
    if (status !== 0) throw new Error(`${line}: ended with ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** What the box's processes logged last. */
  async log(): Promise<string> {
    return (await this.run(["journalctl", "--no-pager", "--output=cat", "--lines=80", "--unit=coldseal*"])).stdout;
  }

  /** Plugs a stick whose content is a file; `bytesPerSecond` makes it slow. */
  async plug(
    id: string,
    file: string,
    { bytesPerSecond = 0 }: { readonly bytesPerSecond?: number } = {},
  ): Promise<void> {
    const node = `stick-${id}`;
    await this.control("blockdev-add", {
      driver: "raw",
      "node-name": node,
      cache: { direct: false },
      file: { driver: "file", filename: file },
    });
    let drive = node;
    if (bytesPerSecond > 0) {
      await this.control("object-add", {
        "qom-type": "throttle-group",
        id: `slow-${id}`,
        limits: { "bps-total": bytesPerSecond },
      });
      drive = `slow-${node}`;
      await this.control("blockdev-add", {
        driver: "throttle",
        "node-name": drive,
        "throttle-group": `slow-${id}`,
        file: node,
      });
    }
    await this.control("device_add", { driver: "usb-storage", id, bus: "xhci.0", drive, removable: true, serial: id });
  }

  /** Plugs another USB device, such as `usb-kbd`. */
  async plugOther(id: string, driver: string): Promise<void> {
    await this.control("device_add", { driver, id, bus: "xhci.0" });
  }

  /** Pulls what was plugged, at once. */
  async pull(id: string): Promise<void> {
    await this.control("device_del", { id });
    await this.#event((one) => one.event === "DEVICE_DELETED" && (one.data as Message).device === id);
  }

  async #event(which: (message: Message) => boolean): Promise<void> {
    for (const end = Date.now() + 20_000; !this.#events.some(which); ) {
      if (Date.now() > end) throw new Error("an event of the virtual box never came");
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** The power goes: nothing is written any more. */
  async cut(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#exited;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
