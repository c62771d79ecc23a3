/** The ledger's programs as processes of their own, with a passphrase on descriptor 3. */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const desk = fileURLToPath(new URL("../../desk/main.ts", import.meta.url));
export const passphrase = "correct horse battery";
/** of guessing it, where time counts for more */
export const cheap = { N: 1 << 10, p: 1, r: 8 };

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** what people type */
  readonly input?: string;
  /** on descriptor 3; the right passphrase unless said */
  readonly secret?: string;
  /** on descriptor 4, where it is given */
  readonly pin?: Uint8Array;
}

/** Runs `coldseal ledger ARGS` to its end. `--passphrase-fd 3` goes with it where the command takes one. */
export async function ledgerCommand(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = startLedger(args, options);
  child.stdin?.end(options.input ?? "");
  return ended(child);
}

/** A program of the ledger that goes on. */
export class Served {
  readonly child: ChildProcess;
  out = "";
  err = "";

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
    });
  }

  /** Starts it, and waits until `ready` shows in what it says, on either stream. */
  static async start(child: ChildProcess, ready: RegExp): Promise<Served> {
    const served = new Served(child);
    let over = false;
    const end = new Promise<void>((resolve) => child.once("close", () => resolve()));
    void end.then(() => {
      over = true;
    });
    while (!over) {
      if (ready.test(served.out) || ready.test(served.err)) return served;
      await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 20))]);
    }
    throw new Error(`it ended with ${child.exitCode}: ${served.out}${served.err}`);
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (!this.alive) return;
    const gone = new Promise<void>((resolve) => this.child.once("close", () => resolve()));
    this.child.kill(signal);
    this.child.kill("SIGCONT");
    await gone;
  }
}

export function startLedger(args: readonly string[], { secret = passphrase, pin }: RunOptions = {}): ChildProcess {
  return startNode([desk, "ledger", ...args], secret, pin);
}

export function startNode(args: readonly string[], secret = passphrase, pin?: Uint8Array): ChildProcess {
  const child = spawn(process.execPath, args, {
    stdio: ["pipe", "pipe", "pipe", "pipe", ...(pin ? ["pipe" as const] : [])],
  });
  child.stdin?.on("error", () => undefined);
  for (const [descriptor, line] of [secret, pin].entries()) {
    if (line === undefined) continue;
    const stream = child.stdio[3 + descriptor] as NodeJS.WritableStream;
    stream.on("error", () => undefined).end(Buffer.concat([Buffer.from(line as string), Buffer.from("\n")]));
  }
  return child;
}

function ended(child: ChildProcess): Promise<Ended> {
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, out, err })));
}
