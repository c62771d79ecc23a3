/** The module between a signer and its token (`shim.c`): put into the signer's configuration, and told where to do what. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RealSigner } from "../../appliance/signer/real-signer.ts";

/** "probe" is the child in which a process tries a module before it loads it, "main" the process itself. */
export type Caller = "probe" | "main";

export interface TokenFate {
  readonly who: Caller;
  readonly call: string;
  /** counts from 1, in each process since the plan is there */
  readonly when: number;
  readonly kind: "fail" | "hang" | "garbage" | "cut" | "lost";
  /** CKR_… as a number, of `fail` and `lost` */
  readonly code: number;
}

export class FaultyToken {
  readonly #folder: string;
  #plans = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** From its next start on the signer reaches its token through the module at `shim`. The configuration still names the real one to whoever asks `signer.token`. */
  static between(signer: RealSigner, shim: string): FaultyToken {
    const folder = join(signer.folder, "token-faults");
    mkdirSync(folder);
    symlinkSync(signer.token.module, join(folder, "module"));
    const config = JSON.parse(readFileSync(signer.config, "utf8"));
    // The first file that it names is what processes lock; it must stay the same one as for those that reach the token directly.
    const environment = { ...config.token.environment, COLDSEAL_TOKEN_FAULTS: folder };
    writeFileSync(signer.config, JSON.stringify({ ...config, token: { ...config.token, environment, module: shim } }));
    return new FaultyToken(folder);
  }

  set({ who, call, when, kind, code }: TokenFate): void {
    this.#write(`${who} ${call} ${when} ${kind} ${code}`);
  }

  /** Every call is written down, none is touched. */
  count(): void {
    this.#write("main nothing 0 fail 0");
  }

  clear(): void {
    rmSync(join(this.#folder, "plan"), { force: true });
  }

  /** Whether the call came. */
  get struck(): boolean {
    return /^struck /m.test(this.#log);
  }

  /** Most calls of each function that a process of this kind made since the plan is there. Throws where one called what is no point. */
  counts(who: Caller): ReadonlyMap<string, number> {
    const most = new Map<string, number>();
    for (const [, caller, call = "", count] of this.#log.matchAll(/^(probe|main) \d+ (\S+) (\d+)$/gm)) {
      if (call === "unwrapped")
        throw new Error("a function of PKCS#11 was called that the module between does not know");
      if (caller === who) most.set(call, Math.max(most.get(call) ?? 0, Number(count)));
    }
    return most;
  }

  #write(plan: string): void {
    this.clear();
    rmSync(join(this.#folder, "log"), { force: true });
    const path = join(this.#folder, "plan.new");
    writeFileSync(path, `${process.pid}-${++this.#plans} ${plan}\n`);
    renameSync(path, join(this.#folder, "plan"));
  }

  get #log(): string {
    const path = join(this.#folder, "log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }
}
