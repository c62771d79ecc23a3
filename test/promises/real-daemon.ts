/** A real daemon and real confined intakes beside a real signer, with a folder that stands in for the stick. */

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
import { authorizationAt, fromNow, type MadeBatch, makeBatch, operators, root } from "../appliance/signer/people.ts";
import type { RealSigner } from "../appliance/signer/real-signer.ts";

/** Milliseconds that a daemon gets to be ready. */
const patience = 40_000;

export class RealDaemon {
  readonly stick: string;
  readonly spool: string;
  readonly client: ReturnType<typeof daemonClient>;
  readonly door: IntakeDoor;
  /** what the running process printed */
  said = "";
  readonly #config: string;
  #child: ChildProcess | undefined;

  private constructor(places: Pick<RealDaemon, "stick" | "spool" | "door">, socket: string, config: string) {
    this.stick = places.stick;
    this.spool = places.spool;
    this.door = places.door;
    this.client = daemonClient(socket);
    this.#config = config;
  }

  /** Folders, settings and intake's door; the daemon does not run yet. Intakes are started by the command `intake` in their place. */
  static async make({ folder, socket, policy }: RealSigner, intake: readonly string[] = []): Promise<RealDaemon> {
    const [stick, spool] = [join(folder, "stick"), join(folder, "spool")];
    for (const path of [join(stick, "coldseal/inbox"), join(spool, "incoming")]) mkdirSync(path, { recursive: true });
    writeFileSync(join(folder, "root.der"), root.certificate);
    const own = join(folder, "coldseald.sock");
    const settings = {
      appliance: policy.appliance,
      incompleteSeconds: 2,
      intakeSocket: join(folder, "intake.sock"),
      media: { in: stick, out: stick, audit: join(folder, "keeper") },
      roots: ["root.der"],
      scanSeconds: 1,
      settleSeconds: 0,
      signerSocket: socket,
      socket: own,
      spool,
    };
    const config = join(folder, "daemon.json");
    writeFileSync(config, JSON.stringify(settings));
    const order = { node: process.execPath, projectRoot, roots: [stick], spoolIncoming: join(spool, "incoming") };
    const plain = intakeCommand(order);
    const [file, ...args] = [...intake, plain.file, ...plain.args] as [string, ...string[]];
    const door = await openIntakeDoor(settings.intakeSocket, { ...plain, file, args }, join(folder, "intake.log"));
    return new RealDaemon({ stick, spool, door }, own, config);
  }

  /** Starts it, under another command if given; resolves when it is ready, or ended, or took too long. */
  async start(under: readonly string[] = []): Promise<void> {
    const main = join(projectRoot, "appliance/daemon/main.ts");
    const command = [...under, process.execPath, main, this.#config];
    const child = spawn(command[0] as string, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.said += text;
      });
    }
    for (const end = Date.now() + patience; Date.now() < end && this.alive; await pause(20))
      if (this.said.includes("the daemon is ready")) return;
  }

  get alive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.alive ? this.#child?.pid : undefined;
  }

  /** Kills it, or ends it by another signal, and waits until it is gone. */
  async end(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child || !this.alive) return;
    const gone = new Promise((done) => child.once("close", done));
    child.kill(signal);
    await gone;
  }

  /** Plugs a batch of two small documents, or as many as said, in a folder of that name. */
  async bring(folder: string, count = 2): Promise<MadeBatch> {
    const contents = Array.from({ length: count }, (_, at) => utf8(`document ${at} of ${folder}`));
    const documents = contents.map((bytes, at) => ({
      digest: hex(sha256(bytes)),
      name: `d${at}.txt`,
      size: bytes.length,
    }));
    const path = join(this.stick, "coldseal/inbox", folder);
    const batch = await makeBatch(documents, { batch: folder });
    mkdirSync(join(path, "documents"), { recursive: true });
    for (const [at, bytes] of contents.entries()) writeFileSync(join(path, "documents", `d${at}.txt`), bytes);
    writeFileSync(join(path, "batch.p7m"), batch.p7m);
    return batch;
  }

  /** People take what is done off the stick. */
  takeAway(folder: string): void {
    for (const box of ["inbox", "outbox"])
      rmSync(join(this.stick, "coldseal", box, folder), { recursive: true, force: true });
  }

  /** The next of two people, who did not approve yet, approves, at a clock that is so many seconds ahead; gives who. */
  async approve(folder: string, approvals: readonly { readonly person: string }[], ahead = 0): Promise<"op1" | "op2"> {
    const next = approvals.some(({ person }) => person === "op1") ? "op2" : "op1";
    const { challenge } = await this.client.open(folder);
    const signed = await authorizationAt(fromNow(ahead - 1), readChallenge(utf8(challenge)), operators[next]);
    await this.client.decide("approve", folder, signed);
    return next;
  }

  /** Nothing of a batch is in the spool. */
  get empty(): boolean {
    return readdirSync(join(this.spool, "batches")).length === 0;
  }

  async remove(): Promise<void> {
    await this.end();
    await this.door.stop();
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
