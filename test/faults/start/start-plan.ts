/** Processes that are started under a fault: at the n-th call of a name by one of their threads they die, or the call fails (`starter.c`). */

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { CallPoint } from "../point.ts";

export class StartPlan {
  readonly #file: string;
  readonly #starter: string;
  readonly #apart: string;

  /** `file`: where the plan stands until a process takes it. Files below `apart` are none of the process's own: their calls are not counted. */
  constructor(file: string, { starter, apart }: { readonly starter: string; readonly apart: string }) {
    this.#file = file;
    this.#starter = starter;
    this.#apart = apart;
  }

  /** The command that a process is started by: once under the plan where one stands, else plainly. */
  get under(): readonly string[] {
    return [this.#starter, this.#file, this.#apart];
  }

  /** The next process that is started meets the point. */
  strike({ call, when, fault }: Pick<CallPoint, "call" | "when" | "fault">): void {
    this.#set(`${call} ${when} ${fault === "SIGKILL" ? "kill" : fault}`);
  }

  /** The next process that is started has these calls written down. */
  count(names: readonly string[]): void {
    this.#set(`${names.join(",")} 0 count`);
  }

  #set(plan: string): void {
    this.clear();
    writeFileSync(`${this.#file}.new`, `${plan}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** No process that is started from now on takes it. */
  clear(): void {
    for (const path of [this.#file, `${this.#file}.log`]) rmSync(path, { force: true });
  }

  /** A process has taken the plan. */
  get taken(): boolean {
    return /^started$/m.test(this.text);
  }

  /** The fault came about. */
  get struck(): boolean {
    return /^struck /m.test(this.text);
  }

  /** Nothing runs any more of what took the plan. */
  get ended(): boolean {
    return /^ended$/m.test(this.text);
  }

  /** Most of the calls, up to the point's, that one of its threads has made. */
  get calls(): number {
    return Math.max(0, ...(this.text.match(/^\d+$/gm) ?? []).map(Number));
  }

  /** What happened so far; with `count`, lines that `countsIn` reads. */
  get text(): string {
    return existsSync(`${this.#file}.log`) ? readFileSync(`${this.#file}.log`, "utf8") : "";
  }
}
