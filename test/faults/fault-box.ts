/** A whole box of real processes whose parts can be started under a fault: signer on SoftHSM, daemon, confined intakes, a folder as the stick. */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { RealSigner } from "../appliance/signer/real-signer.ts";
import { pause, RealDaemon } from "../promises/real-daemon.ts";
import { IntakeGate } from "./intake-start.ts";
import type { Part } from "./point.ts";
import { StartPlan } from "./start/start-plan.ts";
import { hasStopped, isFiltered, standsStill, threadsOf } from "./threads.ts";
import { FaultyToken } from "./token/faulty-token.ts";
import { TokenFile } from "./token/token-file.ts";
import { within } from "./waiting.ts";

/** Milliseconds that a process gets to start, or to answer. */
const patience = 20_000;

/** What stands between processes and what they reach, as paths. */
export interface Between {
  /** the module that the signer is to reach its token through */
  readonly shim?: string | undefined;
  /** what starts processes under a fault */
  readonly starter?: string | undefined;
}

type Plans = Readonly<Record<"intake" | "daemon" | "signer", StartPlan>>;

export interface FaultBoxOptions extends Between {
  readonly under?: (folder: string) => { readonly signer: readonly string[]; readonly daemon: readonly string[] };
}

export class FaultBox {
  readonly signer: RealSigner;
  readonly daemon: RealDaemon;
  readonly gate: IntakeGate;
  /** undefined where nothing stands between signer and token */
  readonly token: FaultyToken | undefined;
  readonly #plans: Plans | undefined;
  readonly #tokenFile: TokenFile;
  #unlocked = false;
  #daemonUnder: readonly string[] = [];

  private constructor(
    { signer, daemon, gate, token }: Pick<FaultBox, "signer" | "daemon" | "gate" | "token">,
    plans: Plans | undefined,
  ) {
    this.signer = signer;
    this.daemon = daemon;
    this.gate = gate;
    this.token = token;
    this.#plans = plans;
    this.#tokenFile = new TokenFile(join(signer.folder, "token/tokens"));
  }

  /**
   * Everything runs, the box is unlocked, intake looks at the stick. `under`: what starts signer and daemon in their place, given the box's folder.
   */
  static async make({ shim, starter, under: places }: FaultBoxOptions = {}): Promise<FaultBox> {
    const signer = await RealSigner.make();
    const token = shim === undefined ? undefined : FaultyToken.between(signer, shim);
    const under = places?.(signer.folder);
    const plans = starter === undefined ? undefined : plansIn(signer.folder, starter);
    const gate = new IntakeGate(join(signer.folder, "gate"));
    const daemon = await RealDaemon.make(signer, [...(plans?.intake.under ?? []), ...gate.under]);
    signer.under = [...(under?.signer ?? []), ...(plans?.signer.under ?? [])];
    const box = new FaultBox({ signer, daemon, gate, token }, plans);
    box.#daemonUnder = under?.daemon ?? [];
    await box.keep();
    await box.looking();
    await box.#keepCompiled();
    return box;
  }

  /** Node keeps what it compiled only where a process ends by itself: the first box that was made with such a folder does that once. */
  async #keepCompiled(): Promise<void> {
    const kept = process.env.NODE_COMPILE_CACHE ?? "";
    if (kept === "" || existsSync(join(kept, "whole"))) return;
    await this.daemon.end("SIGTERM");
    await this.signer.end("SIGTERM");
    await this.keep();
    await this.looking();
    writeFileSync(join(kept, "whole"), "");
  }

  /** The process of a part; undefined while there is none. The first intake is the one that looks at the stick: it stays. */
  pid(part: Part): number | undefined {
    const [scan, take] = this.daemon.door.pids();
    return { scan, take, daemon: this.daemon.pid, signer: this.signer.pid }[part];
  }

  /** By what the next start of a part is struck. */
  plan(part: Part): StartPlan {
    if (!this.#plans) throw new Error("nothing starts processes under a fault");
    return this.#plans[part === "scan" || part === "take" ? "intake" : part];
  }

  /** Starts what is not there, as units do, and unlocks the box, as people do. Gives what it had to start. */
  async keep(): Promise<readonly ("signer" | "daemon")[]> {
    const started: ("signer" | "daemon")[] = [];
    if (!this.signer.alive) {
      started.push("signer");
      this.#unlocked = false;
      await this.signer.end("SIGKILL");
      await within(patience, this.signer.start()).catch(() => this.signer.end("SIGKILL"));
    }
    if (this.signer.alive && !this.#unlocked) await this.unlock();
    if (!this.daemon.alive) {
      started.push("daemon");
      await this.daemon.start([...this.#daemonUnder, ...(this.#plans?.daemon.under ?? [])]);
    }
    return started;
  }

  /** People unlock it; a fault of the token may have locked it. What fails is tried again. */
  async unlock(): Promise<void> {
    await within(patience, this.signer.unlock()).then(
      () => {
        this.#unlocked = true;
      },
      () => pause(100),
    );
  }

  /** SoftHSM lost its token: people put its file back, and start the signer anew, which alone finds it again. Gives whether they had to. */
  async putTokenBack(): Promise<boolean> {
    if (!this.#tokenFile.lost) return false;
    await this.end("signer");
    this.#tokenFile.putBack();
    await this.keep();
    return true;
  }

  /** At rest: everything runs, and the box is unlocked. */
  async rest(): Promise<void> {
    await this.keep();
    await this.putTokenBack();
    for (let tries = 0; tries < 10 && (await this.#status())?.locked !== false; tries++) {
      await this.keep();
      await this.unlock();
    }
  }

  /** The signer says that it does nothing more until it is started anew: a write or a sync of its store failed. */
  async stopped(): Promise<boolean> {
    const status = await this.#status();
    return status !== undefined && status.fault !== null;
  }

  async #status() {
    return (await within(patience, this.signer.call("status")).catch(() => undefined))?.result;
  }

  /** People end a part that does not go on. */
  async end(part: Part): Promise<void> {
    if (part === "signer") await this.signer.end("SIGKILL");
    else if (part === "daemon") await this.daemon.end();
    else await this.daemon.door.kill();
  }

  /** Resolves when an intake looks at the stick, past what starts it; or after the time of several looks. */
  async looking(): Promise<void> {
    for (const end = Date.now() + patience; Date.now() < end; await pause(10)) {
      const pid = this.pid("scan");
      if (pid !== undefined && threadsOf(pid).has("main")) return;
    }
  }

  /** The intake that stopped at the gate, with a batch to copy; undefined when none came. */
  async stoppedAtGate(): Promise<number | undefined> {
    for (const end = Date.now() + patience; Date.now() < end; await pause(5)) {
      const stopped = this.daemon.door.pids().find(hasStopped);
      if (stopped !== undefined) return stopped;
    }
    return undefined;
  }

  /** Lets an intake at the gate go on. A tracer that is just being attached may stop it once more. */
  async letGo(pid: number): Promise<void> {
    for (let tries = 0, quiet = 0; quiet < 3 && tries < 30; tries++) {
      try {
        process.kill(pid, "SIGCONT");
      } catch {
        return; // it has done its work
      }
      await pause(10);
      quiet = standsStill(pid) ? 0 : quiet + 1;
    }
  }

  /** Processes that were started under a plan end, and start without. */
  async untraced(): Promise<void> {
    for (const part of ["scan", "daemon", "signer"] as const) {
      const pid = this.pid(part);
      if (pid !== undefined && isFiltered(pid)) await this.end(part);
    }
    await this.keep();
  }

  async remove(): Promise<void> {
    await this.daemon.remove();
    await this.signer.remove();
  }
}

/** Compiled code that Node keeps is none of the box: there it keeps none. */
function plansIn(folder: string, starter: string): Plans {
  const apart = process.env.NODE_COMPILE_CACHE ?? "";
  const planOf = (name: string) => new StartPlan(join(folder, `${name}.plan`), { starter, apart });
  return { intake: planOf("intake"), daemon: planOf("daemon"), signer: planOf("signer") };
}
