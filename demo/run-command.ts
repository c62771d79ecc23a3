/** Runs one of Coldseal's own commands as a process, with secrets on descriptors and answers typed line by line. */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { compileCache } from "../host/compile-cache.ts";
import { projectRoot } from "./project-root.ts";

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** both, and what was typed, in the order of a terminal */
  readonly transcript: string;
}

export interface RunOptions {
  /** written to descriptor 3 and closed; name it by `--pin-fd 3` or `--password-fd 3` */
  readonly secret?: Uint8Array;
  /** asked with all that was printed so far each time more comes; what it returns is typed */
  readonly answer?: (printed: string) => string | undefined;
  /** told what the command prints, as it comes */
  readonly onText?: (text: string) => void;
  /** a program and its arguments that start the command in their place, such as a tracer */
  readonly under?: readonly string[];
}

/** Runs `main` (a path from the project's root) with arguments, in an environment with nothing but a PATH. */
export async function runCommand(main: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const command = [...(options.under ?? []), process.execPath, join(projectRoot, main), ...args];
  const child = spawn(command[0] as string, command.slice(1), {
    env: { PATH: process.env.PATH ?? "", TERM: "dumb", ...compileCache },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  handOver(child, options.secret);
  let printed = "";
  const texts = { stdout: "", stderr: "", transcript: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
      texts.transcript += text;
      printed += text;
      options.onText?.(text);
      const answer = options.answer?.(printed);
      if (answer !== undefined) {
        printed = "";
        texts.transcript += answer;
        child.stdin?.write(`${answer}\n`);
      }
    });
  }
  child.stdin?.on("error", () => undefined);
  if (!options.answer) child.stdin?.end();
  const status = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
  return { status, ...texts };
}

/** What was printed, line by line. */
export function linesOf(text: string): string[] {
  return text.trimEnd().split("\n");
}

function handOver(child: ChildProcess, secret: Uint8Array | undefined): void {
  const pipe = child.stdio[3] as Writable;
  pipe.on("error", () => undefined);
  pipe.end(secret);
}
