/**
 * A daemon in this process, with the signer's own methods over a fake token behind the signer's socket, intake's own
 * procedures behind intake's (or real confined processes), and folders as sticks. Both sides can be ended and started again.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { BatchRow, RowState } from "../../../appliance/client/batch-row.ts";
import { daemonClient } from "../../../appliance/client/daemon-client.ts";
import { type RunningDaemon, startDaemon } from "../../../appliance/daemon/daemon.ts";
import type { OutgoingMedia } from "../../../appliance/daemon/parts.ts";
import type { DaemonSettings } from "../../../appliance/daemon/settings.ts";
import { signerMethods } from "../../../appliance/signer/signer-methods.ts";
import { type IntakeDoor, openIntakeDoor } from "../../../demo/intake-door.ts";
import { projectRoot } from "../../../demo/project-root.ts";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { type Handlers, serve, stopServing } from "../../../host/wire.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { readChallenge } from "../../../manifests/records/decision.ts";
import { type Policy, readPolicy } from "../../../manifests/records/policy.ts";
import { readRefusalFile } from "../../../manifests/records/refusal-record.ts";
import type { RequestHead } from "../../../manifests/records/request.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import type { BundleVerdict } from "../../../manifests/verify/verdict.ts";
import { intakeCommand } from "../../../media/intake/command.ts";
import { readControl } from "../../../media/intake/control.ts";
import { fingerprintOf, scan } from "../../../media/intake/scan.ts";
import { take } from "../../../media/intake/take.ts";
import { Watch } from "../../../media/intake/watch.ts";
import { isRefusalFolder, writeAnswer, writeAudit } from "../../../media/outgoing/answer.ts";
import { folderDigest } from "../../../media/outgoing/folder-digest.ts";
import type { Issued } from "../../pki/authority.ts";
import { authorization, dissent, type MadeBatch, makeBatch, root } from "../signer/people.ts";
import { TestBox } from "../signer/test-box.ts";

/** Methods of which some may be replaced at any time. */
function overridden(methods: Handlers, by: () => Handlers): Handlers {
  const names = Object.keys(methods);
  return Object.fromEntries(
    names.map((name) => [name, (params, call) => ((by()[name] ?? methods[name]) as Handlers[string])(params, call)]),
  );
}

/** Intake's procedures without its process. */
function intakeMethods(): Handlers {
  const members = (params: Json) => params as { readonly [name: string]: string };
  return {
    scan: async (params) => ({ result: { ...(await scan(members(params).root ?? "", watch())) } as unknown as Json }),
    async take(params) {
      const { policy: text = "", root: stick = "", folder = "", into = "", now = "" } = members(params);
      const settleOver = (params as { readonly settleOver: boolean }).settleOver;
      const policy = readPolicy(utf8(text));
      const job = { root: stick, folder, into, now, settleOver, policy, oids: ownOids(policy.arc) };
      const fingerprint = await fingerprintOf(stick, folder, watch());
      const taken = await take(nodeHost, job, watch(), { documents: 0, of: 0, bytes: 0, ofBytes: 0 });
      if (taken.outcome === "incomplete") return { result: { ...taken } as unknown as Json };
      return { result: { ...taken, fingerprint, submitter: { name: taken.submitter.name } } as unknown as Json };
    },
    async control(params) {
      const { root: stick = "", name = "" } = members(params);
      return { result: {}, body: [await readControl(stick, name)] };
    },
  };
}

function watch(): Watch {
  return new Watch(60_000, () => undefined);
}

export const realMedia: OutgoingMedia = { folderDigest, isRefusalFolder, writeAnswer, writeAudit };

export class DaemonBox {
  readonly folder = mkdtempSync(join(tmpdir(), "coldseal-daemon-"));
  readonly signer: TestBox;
  readonly settings: DaemonSettings;
  /** what the daemon logged, as JSON lines */
  readonly logged: string[] = [];
  /** takes the place of some of the signer's methods */
  override: Handlers = {};
  /** takes the place of some of intake's methods */
  overrideIntake: Handlers = {};
  media: OutgoingMedia = realMedia;
  /** milliseconds that the daemon's clock is ahead */
  ahead = 0;
  #door: IntakeDoor | undefined;
  #intake: Server | undefined;
  #server: Server | undefined;
  #daemon: RunningDaemon | undefined;

  private constructor(signer: TestBox) {
    this.signer = signer;
    const at = (...path: readonly string[]) => join(this.folder, ...path);
    mkdirSync(at("stick/coldseal/inbox"), { recursive: true });
    mkdirSync(at("spool/incoming"), { recursive: true });
    this.settings = {
      appliance: "box-1",
      incompleteSeconds: 1,
      intakeSocket: at("intake.sock"),
      media: { in: at("stick"), out: at("stick"), audit: at("keeper") },
      roots: [root.certificate],
      scanSeconds: 1,
      settleSeconds: 0,
      signerSocket: at("signer.sock"),
      socket: at("coldseald.sock"),
      spool: at("spool"),
    };
  }

  static async make(
    options: {
      readonly policy?: Partial<Policy>;
      readonly realIntake?: boolean;
      readonly settings?: Partial<DaemonSettings>;
    } = {},
  ): Promise<DaemonBox> {
    const made = new DaemonBox(await TestBox.make(options.policy));
    Object.assign(made.settings, options.settings);
    if (options.realIntake) await made.#openDoor();
    else
      made.#intake = await serve(
        made.settings.intakeSocket,
        overridden(intakeMethods(), () => made.overrideIntake),
      );
    await made.startSigner();
    await made.startDaemon();
    return made;
  }

  async #openDoor(): Promise<void> {
    const { intakeSocket, media, spool } = this.settings;
    const order = { node: process.execPath, projectRoot, roots: [media.in], spoolIncoming: join(spool, "incoming") };
    this.#door = await openIntakeDoor(intakeSocket, intakeCommand(order), join(this.folder, "intake.log"));
  }

  get client() {
    return daemonClient(this.settings.socket);
  }

  async startSigner(): Promise<void> {
    const { box, work, staging } = this.signer;
    const methods = signerMethods(box, work, staging);
    this.#server = await serve(
      this.settings.signerSocket,
      overridden(methods, () => this.override),
    );
  }

  /** Ends the signer as a kill would; `startSigner` opens it again, locked. */
  async killSigner(): Promise<void> {
    if (this.#server) await stopServing(this.#server);
    this.#server = undefined;
    await this.signer.restart();
  }

  async startDaemon(): Promise<void> {
    const log = pino({}, { write: (line: string) => this.logged.push(line) });
    const media: OutgoingMedia = {
      folderDigest,
      isRefusalFolder,
      writeAnswer: (options) => this.media.writeAnswer(options),
      writeAudit: (options) => this.media.writeAudit(options),
    };
    this.#daemon = await startDaemon(this.settings, media, log, () => Date.now() + this.ahead);
  }

  async stopDaemon(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async remove(): Promise<void> {
    await this.stopDaemon();
    if (this.#server) await stopServing(this.#server);
    if (this.#intake) await stopServing(this.#intake);
    await this.#door?.stop();
    this.signer.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts a batch onto the stick; `spoil` may change it there. */
  async bring(
    folder: string,
    options: {
      readonly count?: number;
      readonly head?: Partial<RequestHead>;
      readonly signer?: Issued;
      readonly spoil?: (path: string) => void;
    } = {},
  ): Promise<MadeBatch> {
    const contents = Array.from({ length: options.count ?? 3 }, (_, at) =>
      utf8(`document ${at} of ${options.head?.batch ?? folder}`),
    );
    const documents = contents.map((bytes, at) => ({
      digest: hex(sha256(bytes)),
      name: `d${at}.txt`,
      size: bytes.length,
    }));
    const made = await makeBatch(documents, { batch: folder, ...options.head }, options.signer);
    const path = this.inbox(folder);
    mkdirSync(join(path, "documents"), { recursive: true });
    for (const [at, bytes] of contents.entries()) writeFileSync(join(path, "documents", `d${at}.txt`), bytes);
    writeFileSync(join(path, "batch.p7m"), made.p7m);
    options.spoil?.(path);
    return made;
  }

  inbox(folder: string): string {
    return join(this.settings.media.in, "coldseal/inbox", folder);
  }

  outbox(folder: string): readonly string[] {
    const path = join(this.settings.media.out, "coldseal/outbox", folder);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }

  readOutbox(folder: string, name: string): Uint8Array {
    return readFileSync(join(this.settings.media.out, "coldseal/outbox", folder, name));
  }

  /** The verdict on an answer, with the documents of the inbox. */
  verified(folder: string): Promise<BundleVerdict> {
    const path = join(this.settings.media.out, "coldseal/outbox", folder);
    const source = bundleFolder(path, { documents: join(this.inbox(folder), "documents") });
    return verifyBundle(nodeHost, source, {
      roots: [root.certificate],
      genesis: this.signer.box.policies.inForce.genesis,
    }).finally(() => source.close());
  }

  /** The code of the refusal that stands in the outbox. */
  refusalIn(folder: string): string {
    const [name] = this.outbox(folder).filter((one) => one.startsWith("refusal."));
    const bytes = this.readOutbox(folder, name ?? "refusal.json");
    return readRefusalFile(name === "refusal.p7m" ? (readSignedData(bytes).content as Uint8Array) : bytes).reported
      .code;
  }

  spooled(): readonly string[] {
    return readdirSync(join(this.settings.spool, "batches"));
  }

  async row(folder: string): Promise<BatchRow | undefined> {
    return (await this.client.list(true)).find((one) => one.folder === folder);
  }

  /** Waits until a row is in that state and says these words. */
  async until(folder: string, state: RowState, words = ""): Promise<BatchRow> {
    return this.eventually(`${folder} ${state} ${words}`, async () => {
      const row = await this.row(folder);
      return row?.state === state && row.waiting.includes(words) ? row : undefined;
    });
  }

  async eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + 20_000;
    for (;;) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) return found;
      if (Date.now() > end) {
        const rows = await this.client.list(true).catch((fault) => String(fault));
        throw new Error(`never came: ${what}\n${JSON.stringify(rows, null, 1)}\n${this.logged.join("")}`);
      }
      await new Promise((done) => setTimeout(done, 25));
    }
  }

  async challenge(folder: string) {
    return readChallenge(utf8((await this.client.open(folder)).challenge));
  }

  async approve(folder: string, ...by: readonly Issued[]): Promise<void> {
    for (const one of by) {
      await this.client.decide("approve", folder, await authorization(await this.challenge(folder), one));
    }
  }

  async dissent(method: "reject" | "withdraw" | "abort", folder: string, by: Issued) {
    const type = ({ reject: "rejection", withdraw: "withdrawal", abort: "abort" } as const)[method];
    return this.client.decide(method, folder, await dissent(await this.challenge(folder), type, by));
  }
}
