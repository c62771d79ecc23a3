/** One process of the box: started, started again when it dies, and ended by its own id. */

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";

export interface ProcessOrder {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** the whole environment */
  readonly env: Readonly<Record<string, string>>;
  /** everything it prints is appended here */
  readonly log: string;
  readonly restart: boolean;
  onLog?(name: string, line: string): void;
}

/** Milliseconds before a process that died is started again; doubled while it keeps dying early. */
const shortestPause = 200;
const longestPause = 10_000;
const livedLong = 10_000;
/** Milliseconds that a process gets to end by itself. */
const patience = 4_000;

export class KeptProcess {
  readonly #order: ProcessOrder;
  #child: ChildProcess | undefined;
  #ending = false;
  #pause = shortestPause;
  #timer: NodeJS.Timeout | undefined;

  constructor(order: ProcessOrder) {
    this.#order = order;
    this.#start();
  }

  /** Undefined while it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Kills it as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it for good, politely first. */
  async stop(): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#timer);
    await this.#end("SIGTERM");
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const last = setTimeout(() => child.kill("SIGKILL"), patience);
    await gone;
    clearTimeout(last);
  }

  #start(): void {
    const { file, args, env, name } = this.#order;
    const begun = Date.now();
    // Nothing is written to its input: that closes when this process is gone.
    const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => undefined);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) this.#read(stream);
    child.once("error", (fault) => this.#tell(`${name} cannot be started: ${fault.message}`));
    child.once("exit", (code, signal) => {
      this.#child = undefined;
      if (this.#ending) return;
      this.#tell(`${name} ended (${signal ?? `status ${code}`})`);
      if (!this.#order.restart) return;
      this.#pause = Date.now() - begun > livedLong ? shortestPause : Math.min(longestPause, this.#pause * 2);
      this.#timer = setTimeout(() => this.#start(), this.#pause);
    });
  }

  #read(stream: ChildProcess["stdout"]): void {
    let held = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      appendFileSync(this.#order.log, text, { mode: 0o600 });
      const lines = (held + text).split("\n");
      held = lines.pop() ?? "";
      for (const line of lines) this.#order.onLog?.(this.#order.name, line);
    });
  }

  #tell(line: string): void {
    appendFileSync(this.#order.log, `${line}\n`, { mode: 0o600 });
    this.#order.onLog?.(this.#order.name, line);
  }
}
