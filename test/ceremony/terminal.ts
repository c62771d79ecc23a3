/** A command at a pseudo-terminal (util-linux `script`), with someone who reads what is on it and types. */

import { type ChildProcess, spawn } from "node:child_process";

export interface Typist {
  /** everything that came to the screen, line ends as LF */
  screen(): string;
  /** Resolves with the match when the text not yet read matches; rejects when the command ends or 30 s pass before. */
  reads(pattern: RegExp): Promise<RegExpExecArray>;
  types(text: string): void;
  /** exit status of the command */
  readonly ended: Promise<number>;
  kill(): void;
}

const patience = 30_000;

/** Starts a command of plain words (no word may hold a single quote). */
export function atTerminal(words: readonly string[], environment: NodeJS.ProcessEnv = process.env): Typist {
  const command = words.map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qfec", command, "/dev/null"], { env: { ...environment, SHELL: "/bin/sh" } });
  const listeners = new Set<() => void>();
  let text = "";
  let read = 0;
  let over = false;
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString("utf8").replaceAll("\r\n", "\n");
    for (const listener of listeners) listener();
  });
  const ended = exitOf(child).finally(() => {
    over = true;
    for (const listener of listeners) listener();
  });
  const reads = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const stop = (settle: () => void) => {
        clearTimeout(timer);
        listeners.delete(look);
        settle();
      };
      const fail = (why: string) => stop(() => reject(new Error(`${why} before ${pattern}; the screen:\n${text}`)));
      const timer = setTimeout(() => fail("nothing came"), patience);
      const look = () => {
        const match = pattern.exec(text.slice(read));
        if (match) {
          read += match.index + match[0].length;
          stop(() => resolve(match));
        } else if (over) fail("the command ended");
      };
      listeners.add(look);
      look();
    });
  return { screen: () => text, reads, types: (typed) => child.stdin.write(typed), ended, kill: () => child.kill() };
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? -1));
  });
}
