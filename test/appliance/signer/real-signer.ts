/** A signer as a process over a real SoftHSM token, spoken to through its sockets as the daemon and the ceremony would. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateKeys, type KeyKind } from "../../../hardware/generate.ts";
import { initializeToken } from "../../../hardware/initialize.ts";
import { makeSoftHsmFolder, type SoftHsmFolder } from "../../../hardware/softhsm.ts";
import { callOnce } from "../../../host/wire.ts";
import type { SuiteName } from "../../../manifests/cms/suite.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { readFiles } from "../../../manifests/encoding/file-stream.ts";
import { type Challenge, readChallenge } from "../../../manifests/records/decision.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { issue, type Wanted } from "../../pki/authority.ts";
import { timeStampingOnly } from "../../pki/tsa.ts";
import {
  authorization,
  fromNow,
  type MadeBatch,
  oids,
  operators,
  policyDigest,
  policyFor,
  root,
  signPolicy,
} from "./people.ts";

const main = fileURLToPath(new URL("../../../appliance/signer/main.ts", import.meta.url));
export const tokenPin = "1234-right-pin";

type Members = { readonly [name: string]: Json };

export interface CallResult {
  readonly result: Members;
  readonly body: Uint8Array;
}

export class RealSigner {
  readonly folder: string;
  readonly policy: Policy;
  readonly config: string;
  readonly store: string;
  readonly socket: string;
  readonly unlockSocket: string;
  readonly token: SoftHsmFolder;
  #child: ChildProcess | undefined;
  /** everything that the processes wrote to stderr */
  said = "";
  /** the program and first arguments that start the signer in its place, such as a tracer */
  under: readonly string[] = [];

  private constructor(folder: string, policy: Policy, token: SoftHsmFolder) {
    this.folder = folder;
    this.policy = policy;
    this.token = token;
    this.config = join(folder, "signer.json");
    this.store = join(folder, "state", "store.db");
    this.socket = join(folder, "signer.sock");
    this.unlockSocket = join(folder, "unlock.sock");
  }

  /** Makes token, keys, policy and store; the signer does not run yet. */
  static async make(
    kind: KeyKind = "p256",
    suite: SuiteName = "ecdsa-p256-sha256",
    /** with a key of this kind for its own time-stamps */
    time?: KeyKind,
  ): Promise<RealSigner> {
    const folder = mkdtempSync(join(tmpdir(), "coldseal-real-"));
    const token = await makeSoftHsmFolder(join(folder, "token"));
    const pin = utf8(tokenPin);
    const { uri } = await initializeToken(token, { label: "box", soPin: utf8("so-pin-0"), pin });
    const keys = await generateKeys({ ...token, uri }, pin, [
      { label: "sealing", kind },
      { label: "audit", kind: "p256" },
      ...(time ? [{ label: "time", kind: time }] : []),
    ]);
    const [sealing, audit, stamping] = keys as [(typeof keys)[number], (typeof keys)[number], (typeof keys)[number]?];
    const profile = { digest: "sha256", level: "CAdES-B-B", suite } as const;
    const named = {
      sealing: sealing.spki,
      audit: audit.spki,
      ...(stamping ? { time: stamping.spki } : {}),
    };
    const policy = policyFor(named, { profile });
    const made = new RealSigner(folder, policy, token);
    mkdirSync(join(folder, "state"), { mode: 0o700 });
    const key = ({ uri: keyUri, spki, label }: typeof sealing, usage: Partial<Wanted>) => {
      const path = join(folder, `${label}.der`);
      writeFileSync(path, issue(root, { name: label, spki, ...usage }).certificate);
      return { uri: keyUri, spki: spki.toBase64(), certificates: [path] };
    };
    const config = {
      appliance: policy.appliance,
      arc: policy.arc,
      clock: { errorSeconds: 1, lastSet: fromNow(-3600), source: "test" },
      genesis: policyDigest(policy),
      hsm: "software-token",
      isolation: "none",
      keys: {
        audit: key(audit, { eku: [oids.audit] }),
        sealing: key(sealing, { eku: [oids.sealing] }),
        ...(stamping ? { time: key(stamping, { extensions: [timeStampingOnly] }) } : {}),
      },
      media: "folder",
      socket: made.socket,
      state: join(folder, "state"),
      token: { environment: token.environment, module: token.module, uri },
      unlockSocket: made.unlockSocket,
    };
    writeFileSync(made.config, JSON.stringify(config));
    const genesis = join(folder, "genesis.p7m");
    writeFileSync(genesis, await signPolicy(policy, ["op1", "op2", "op3"]));
    const status = await made.create(genesis);
    if (status !== 0) throw new Error(`create ended with ${status}: ${made.said}`);
    return made;
  }

  /** Runs `create` with the PIN on descriptor 3; its exit status. */
  create(genesis: string, pin = tokenPin): Promise<number | null> {
    const child = this.#spawn(
      ["create", this.config, "--genesis", genesis, "--pin-fd", "3"],
      ["ignore", "ignore", "pipe", "pipe"],
    );
    (child.stdio[3] as NodeJS.WritableStream).on("error", () => undefined).end(pin);
    return exited(child);
  }

  /** Starts the signer and waits until it answers. */
  async start(): Promise<void> {
    const child = this.#spawn(["run", this.config], ["ignore", "ignore", "pipe"]);
    this.#child = child;
    let status: number | null | undefined;
    void exited(child).then((code) => {
      status = code;
    });
    while (status === undefined) {
      if (this.said.includes("waiting for unlock")) return;
      await new Promise((resolve) => child.stderr?.once("data", resolve) && child.once("close", resolve));
    }
    throw new Error(`the signer ended with ${status}: ${this.said}`);
  }

  get alive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.alive ? this.#child?.pid : undefined;
  }

  /** Ends the process by a signal and waits for its end; gives the exit status. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    if (!child) return null;
    this.#child = undefined;
    this.said = "";
    const ended =
      child.exitCode === null && child.signalCode === null ? exited(child) : Promise.resolve(child.exitCode);
    child.kill(signal);
    return ended;
  }

  async restart(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    await this.end(signal);
    await this.start();
  }

  /** A call of the daemon's. */
  async call(method: string, parameters: Json = {}, body?: Uint8Array): Promise<CallResult> {
    const options = body === undefined ? {} : { body: [body] };
    return (await callOnce(this.socket, method, parameters, options)) as CallResult;
  }

  /** A call of the ceremony's. */
  async ceremony(method: string, parameters: Json = {}, body?: Uint8Array): Promise<CallResult> {
    const options = body === undefined ? {} : { body: [body] };
    return (await callOnce(this.unlockSocket, method, parameters, options)) as CallResult;
  }

  unlock(pin = tokenPin): Promise<CallResult> {
    return this.ceremony("unlock", {}, utf8(pin));
  }

  async submit(batch: MadeBatch, folder = "batch-1"): Promise<Members> {
    return (await this.call("submit", { folder, reported: {} }, batch.p7m)).result;
  }

  async challenge(batch: MadeBatch): Promise<Challenge> {
    return readChallenge(utf8((await this.submit(batch)).challenge as string));
  }

  async authorised(batch: MadeBatch): Promise<Challenge> {
    const challenge = await this.challenge(batch);
    await this.call(
      "authorize",
      { batchDigest: batch.batchDigest },
      await authorization(challenge, operators.op1, operators.op2),
    );
    return challenge;
  }

  async seal(batch: MadeBatch, onProgress: (progress: Members) => void = () => undefined): Promise<Members> {
    const answer = await callOnce(
      this.socket,
      "seal",
      { batchDigest: batch.batchDigest },
      { onProgress: (value) => onProgress(value as Members) },
    );
    return answer.result as Members;
  }

  /** The files of a receipt, or of another stream of files, by path. */
  async files(method: string, parameters: Json): Promise<ReadonlyMap<string, Uint8Array>> {
    const { body } = await this.call(method, parameters);
    const files = new Map<string, Uint8Array>();
    let path = "";
    for await (const part of readFiles(once(body))) {
      if ("path" in part) {
        path = part.path;
        files.set(path, new Uint8Array(0));
      } else files.set(path, Buffer.concat([files.get(path) as Uint8Array, part.bytes]));
    }
    return files;
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], stdio: ("ignore" | "pipe")[]): ChildProcess {
    const command = [...this.under, process.execPath, main, ...args];
    const child = spawn(command[0] as string, command.slice(1), { stdio });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.said += text;
    });
    return child;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}
