/**
 * A node's processes in a PID namespace of their own, as on a machine of their own. The first of them is a shell that reaps what lost its parent; when it
 * dies, the kernel kills all others at once, and nothing is left unreaped. Whoever started it dies: so does it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const all = /(?:)/;

export interface SpaceOrder {
  /** a shell script's text: starts all, and waits */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** whatever is printed is appended here */
  readonly log: string;
}

export class ProcessSpace {
  readonly #outer: ChildProcess;
  readonly #gone: Promise<void>;
  #init = 0;

  private constructor(outer: ChildProcess) {
    this.#outer = outer;
    this.#gone = new Promise((resolve) => outer.once("close", () => resolve()));
  }

  /** Starts it; throws where this system gives no namespaces. */
  static async start({ script, env, log }: SpaceOrder): Promise<ProcessSpace> {
    const output = openSync(log, "a", 0o600);
    try {
      // Each link dies with the one before it: this process, unshare, the shell.
      const outer = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", ...namespaces(), "sh", "-c", script], {
        env: { ...env },
        stdio: ["ignore", output, output],
      });
      const space = new ProcessSpace(outer);
      let fault: Error | undefined;
      outer.once("error", (error) => {
        fault = error;
      });
      while (space.#init === 0) {
        if (fault || !space.alive) throw new Error(`no process namespace here; see ${log}`, { cause: fault });
        space.#init = childOf(outer.pid ?? 0);
        await setTimeout(5);
      }
      return space;
    } finally {
      closeSync(output);
    }
  }

  get alive(): boolean {
    return this.#outer.pid !== undefined && this.#outer.exitCode === null && this.#outer.signalCode === null;
  }

  /** SIGKILL to all at once; resolves when none is left, not even as an entry in the process table. */
  async kill(): Promise<void> {
    if (this.alive) process.kill(this.#init, "SIGKILL");
    await this.#gone;
  }

  /** SIGSTOP to every process, or to those whose command line matches; resolves when all stand. How many there are. */
  async freeze(which: RegExp = all): Promise<number> {
    for (;;) {
      const found = this.#processes(which);
      const running = found.filter(({ state }) => state !== "T");
      if (running.length === 0) return found.length;
      for (const { pid } of running) signal(pid, "SIGSTOP");
      await setTimeout(5);
    }
  }

  /** SIGCONT to every process. */
  thaw(): void {
    for (const { pid } of this.#processes(all)) signal(pid, "SIGCONT");
  }

  /** Those that live in it, by the ids that they have outside; zombies are none. */
  #processes(which: RegExp): readonly { readonly pid: number; readonly state: string }[] {
    const own = namespaceOf(this.#init);
    if (own === undefined) return [];
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && namespaceOf(Number(name)) === own && which.test(commandOf(name)))
      .map((name) => ({ pid: Number(name), state: stateOf(Number(name)) }))
      .filter(({ state }) => state !== "Z" && state !== "X");
  }
}

/** IPC too: what PostgreSQL leaves of shared memory goes with the namespace. Who is not root needs a user namespace for all of it. */
function namespaces(): readonly string[] {
  const own = ["--pid", "--ipc", "--mount-proc", "--fork", "--kill-child"];
  return process.getuid?.() === 0 ? own : ["--user", "--map-current-user", ...own];
}

/** 0: it has none (yet). */
function childOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0] ?? 0);
  } catch {
    return 0;
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Words with blanks between; empty where there is none. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** As proc(5) names it. */
function stateOf(pid: number): string {
  try {
    return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "X";
  } catch {
    return "X";
  }
}

function signal(pid: number, name: "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== "ESRCH") throw fault;
  }
}
