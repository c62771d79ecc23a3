/** A real daemon and real confined intakes that die at chosen system calls in a batch's life; the signer lives on, and so does the box through all points. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import { type IntakeDoor, openIntakeDoor } from "../../demo/intake-door.ts";
import { projectRoot } from "../../demo/project-root.ts";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { readChallenge } from "../../manifests/records/decision.ts";
import { intakeCommand } from "../../media/intake/command.ts";
import { authorization, makeBatch, operators, policyDigest, root } from "../appliance/signer/people.ts";
import { RealSigner } from "../appliance/signer/real-signer.ts";
import type { Breach } from "./breach.ts";
import { checkSpool, checkStick } from "./check-media.ts";
import { DeathPlan, type Point } from "./dying-process.ts";

export type Part = "daemon" | "intake";

const patience = 40_000;

export class DaemonSweep {
  readonly signer: RealSigner;
  readonly #part: Part;
  readonly #plan: DeathPlan;
  readonly #stick: string;
  readonly #spool: string;
  readonly #socket: string;
  readonly #numbers = new Map<string, { readonly number: number }>();
  #door: IntakeDoor | undefined;
  #daemon: ChildProcess | undefined;
  #said = "";
  #batches = 0;

  private constructor(signer: RealSigner, part: Part) {
    this.signer = signer;
    this.#part = part;
    this.#plan = new DeathPlan(join(signer.folder, "plan"));
    this.#stick = join(signer.folder, "stick");
    this.#spool = join(signer.folder, "spool");
    this.#socket = join(signer.folder, "coldseald.sock");
  }

  /** The box of one part that is to die, started and unlocked. */
  static async make(part: Part): Promise<DaemonSweep> {
    const made = new DaemonSweep(await RealSigner.make(), part);
    await made.signer.start();
    await made.signer.unlock();
    await made.#configure();
    await made.#start();
    return made;
  }

  async measure(call: string): Promise<{ readonly start: number; readonly all: number }> {
    await this.#arm({ call, when: 0 });
    const start = this.#part === "daemon" ? this.#plan.calls : 0;
    const folder = await this.#bring();
    await this.#life(folder);
    this.#takeAway(folder);
    return { start, all: this.#plan.calls };
  }

  async die(point: Point): Promise<{ readonly died: boolean; readonly broken: readonly Breach[] }> {
    const folder = await this.#bring();
    await this.#arm(point);
    await this.#life(folder);
    const broken = await this.check();
    const { died } = this.#plan;
    this.#takeAway(folder);
    return { died, broken };
  }

  /** People take what is done off the stick. */
  #takeAway(folder: string): void {
    for (const box of ["inbox", "outbox"]) rmSync(join(this.#stick, "coldseal", box, folder), { recursive: true });
    this.#numbers.delete(folder);
  }

  async check(): Promise<readonly Breach[]> {
    const { roots, genesis } = { roots: [root.certificate], genesis: policyDigest(this.signer.policy) };
    const receipt = (number: number) => this.signer.files("receipt", { number });
    const { result } = await this.signer.ceremony("verify-journal");
    const count = this.#batches;
    return [
      ...(await checkStick(this.#stick, this.#numbers, receipt, { roots, genesis })),
      ...checkSpool(this.#spool, []),
      ...(result.manifests === count
        ? []
        : [["SEAL-ONCE", `${result.manifests} manifests for ${count} batches`] as const]),
    ];
  }

  async remove(): Promise<void> {
    await this.#end();
    await this.#door?.stop();
    await this.signer.remove();
  }

  async #configure(): Promise<void> {
    const { folder, socket, policy } = this.signer;
    for (const path of [join(this.#stick, "coldseal/inbox"), join(this.#spool, "incoming")])
      mkdirSync(path, { recursive: true });
    writeFileSync(join(folder, "root.der"), root.certificate);
    const settings = {
      appliance: policy.appliance,
      incompleteSeconds: 2,
      intakeSocket: join(folder, "intake.sock"),
      media: { in: this.#stick, out: this.#stick, audit: join(folder, "keeper") },
      roots: ["root.der"],
      scanSeconds: 1,
      settleSeconds: 0,
      signerSocket: socket,
      socket: this.#socket,
      spool: this.#spool,
    };
    writeFileSync(join(folder, "daemon.json"), JSON.stringify(settings));
    const order = {
      node: process.execPath,
      projectRoot,
      roots: [this.#stick],
      spoolIncoming: join(this.#spool, "incoming"),
    };
    const command = intakeCommand(order);
    const [file = command.file, ...args] =
      this.#part === "intake" ? [...this.#plan.under, command.file] : [command.file];
    const started = { ...command, file, args: [...args, ...command.args] };
    this.#door = await openIntakeDoor(settings.intakeSocket, started, join(folder, "intake.log"));
  }

  /** What is to die dies at the point: the daemon is started anew, intakes are with each connection. */
  async #arm(point: Point): Promise<void> {
    await this.#end();
    // The first intake that a daemon asks for looks at the stick; the next one takes the batch.
    this.#plan.set(point, this.#part === "intake" ? 1 : 0);
    await this.#start();
  }

  async #start(): Promise<void> {
    const under = this.#part === "daemon" ? this.#plan.under : [];
    const main = join(projectRoot, "appliance/daemon/main.ts");
    const command = [...under, process.execPath, main, join(this.signer.folder, "daemon.json")];
    const child = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    this.#daemon = child;
    this.#said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
      });
    }
    for (
      const end = Date.now() + patience;
      Date.now() < end && this.#alive && !this.#said.includes("the daemon is ready");
    )
      await pause(20);
  }

  get #alive(): boolean {
    return this.#daemon?.exitCode === null && this.#daemon.signalCode === null;
  }

  async #end(): Promise<void> {
    const child = this.#daemon;
    if (!child || !this.#alive) return;
    const gone = new Promise((done) => child.once("close", done));
    child.kill("SIGKILL");
    await gone;
  }

  async #bring(): Promise<string> {
    const folder = `sweep-${++this.#batches}`;
    const contents = [0, 1].map((at) => utf8(`document ${at} of ${folder}`));
    const documents = contents.map((bytes, at) => ({
      digest: hex(sha256(bytes)),
      name: `d${at}.txt`,
      size: bytes.length,
    }));
    const path = join(this.#stick, "coldseal/inbox", folder);
    mkdirSync(join(path, "documents"), { recursive: true });
    for (const [at, bytes] of contents.entries()) writeFileSync(join(path, "documents", `d${at}.txt`), bytes);
    writeFileSync(join(path, "batch.p7m"), (await makeBatch(documents, { batch: folder })).p7m);
    return folder;
  }

  /** Until it is released: approvals are given, and what died is started again. */
  async #life(folder: string): Promise<void> {
    const client = daemonClient(this.#socket);
    for (const end = Date.now() + patience; ; await pause(40)) {
      if (Date.now() > end)
        throw new Error(
          `${folder} was never released: ${JSON.stringify(await client.list(true).catch(String))} ${this.#said.slice(-2000)}`,
        );
      if (!this.#alive) await this.#start();
      const rows = await client.list(true).catch(() => []);
      const row = rows.find((one) => one.folder === folder);
      if (row?.state === "released" && row.number !== null && this.#rest) {
        this.#numbers.set(folder, { number: row.number });
        // Killed in what follows a release, it must still tidy up.
        await pause(100);
        if (this.#alive) return;
      }
      if (row?.state !== "waiting-for-approval") continue;
      const next = row.approvals.some(({ person }) => person === "op1") ? operators.op2 : operators.op1;
      await client
        .open(folder)
        .then(async ({ challenge }) =>
          client.decide("approve", folder, await authorization(readChallenge(utf8(challenge)), next)),
        )
        .catch(() => undefined);
    }
  }

  get #rest(): boolean {
    return readdirSync(join(this.#spool, "batches")).length === 0;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
