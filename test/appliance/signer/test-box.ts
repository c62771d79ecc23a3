/** A box in a temporary folder over a fake token, driven by its own procedures; it can be "killed" and opened again. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Attesting } from "../../../appliance/signer/attest.ts";
import { authorize } from "../../../appliance/signer/authorize.ts";
import type { Box } from "../../../appliance/signer/box.ts";
import type { Clocks } from "../../../appliance/signer/clock.ts";
import type { SignerConfig } from "../../../appliance/signer/config.ts";
import { createBox } from "../../../appliance/signer/create-box.ts";
import { guarded } from "../../../appliance/signer/guarded.ts";
import { openBox } from "../../../appliance/signer/open-box.ts";
import { receipt } from "../../../appliance/signer/receipt.ts";
import { SealingWork } from "../../../appliance/signer/seal-batch.ts";
import { signerMethods } from "../../../appliance/signer/signer-methods.ts";
import { Staging } from "../../../appliance/signer/staged-request.ts";
import { findSealed, type SealedBefore, type Submitted, submit } from "../../../appliance/signer/submit.ts";
import { unlockMethods } from "../../../appliance/signer/unlock-methods.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import type { Answer } from "../../../host/wire.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { readFiles } from "../../../manifests/encoding/file-stream.ts";
import type { BatchKind } from "../../../manifests/records/batch-head.ts";
import type { Challenge } from "../../../manifests/records/decision.ts";
import { mapKeys } from "../../../manifests/records/key-purpose.ts";
import { type Manifest, readManifest } from "../../../manifests/records/manifest.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { Refusal, type RefusalCode } from "../../../manifests/refusal.ts";
import { type Issued, issue, type Wanted } from "../../pki/authority.ts";
import { timeStampingOnly } from "../../pki/tsa.ts";
import { FakeHsm, rightPin } from "./fake-hsm.ts";
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

export const loopbackOnly = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`;

/** What the daemon hands over; plain envelopes where it says so. */
export type BroughtBatch = Omit<MadeBatch, "documents"> & Partial<MadeBatch> & { readonly kind?: BatchKind };

export class TestBox {
  readonly folder = mkdtempSync(join(tmpdir(), "coldseal-signer-"));
  readonly hsm: FakeHsm;
  readonly config: SignerConfig;
  readonly policy: Policy;
  readonly clocks = { offset: 0, wall: () => Date.now() + this.clocks.offset, monotonic: () => performance.now() };
  links = loopbackOnly;
  attesting: Attesting | undefined;
  box!: Box;
  work!: SealingWork;
  staging!: Staging;

  private constructor(hsm: FakeHsm, policy: Policy) {
    this.hsm = hsm;
    this.policy = policy;
    this.config = this.#configure();
  }

  /** A new box, open and locked; its keys' certificates as wanted. It has a key for its own time-stamps where that is wanted. */
  static async make(
    change: Partial<Policy> = {},
    wanted: {
      readonly sealing?: Partial<Wanted>;
      readonly audit?: Partial<Wanted>;
      readonly time?: Partial<Wanted>;
    } = {},
  ): Promise<TestBox> {
    const keys = {
      sealing: issue(root, { name: "sealing", eku: [oids.sealing], ...wanted.sealing }),
      audit: issue(root, { name: "audit", eku: [oids.audit], ...wanted.audit }),
      ...(wanted.time ? { time: issue(root, { name: "time", extensions: [timeStampingOnly], ...wanted.time }) } : {}),
    };
    const policy = policyFor(
      mapKeys<Issued, Uint8Array>(keys, ({ spki }) => spki),
      change,
    );
    const made = new TestBox(new FakeHsm(keys), policy);
    await createBox(made.parts(), await signPolicy(policy, ["op1", "op2", "op3"]), utf8(rightPin));
    await made.open();
    return made;
  }

  async open(): Promise<void> {
    this.box = await openBox(this.parts());
    this.work = new SealingWork(this.box);
    this.staging = new Staging(this.box.db, nodeHost);
  }

  /** Ends the box as a kill would: whatever is not in the store is gone, and so is the login. */
  async restart(): Promise<void> {
    this.kill();
    await this.open();
  }

  kill(): void {
    this.box.db.close();
    this.hsm.loggedIn = false;
  }

  /** Calls a method of either socket as another process would. */
  async call(method: string, parameters: Json = {}, body: Uint8Array = new Uint8Array(0)): Promise<Answer> {
    const { box, staging, work } = this;
    const methods = guarded(box, { ...unlockMethods(box, work), ...signerMethods(box, work, staging) });
    const call = { body: pieces(body), progress: () => undefined, signal: new AbortController().signal };
    return (methods[method] as (typeof methods)[string])(parameters, call);
  }

  /** The signer's own refusals in the journal. */
  refusals(): readonly { readonly [member: string]: Json }[] {
    const rows = this.box.db.prepare<[], string>("SELECT record FROM journal WHERE kind = 'refused' ORDER BY sequence");
    return rows
      .pluck()
      .all()
      .map((record) => JSON.parse(record) as { readonly [member: string]: Json })
      .filter(({ reported }) => reported === undefined);
  }

  unlock(pin = rightPin): Promise<void> {
    return this.box.lockbox.unlock(utf8(pin));
  }

  submit({ kind, p7m }: BroughtBatch, folder = "batch-1"): Promise<Submitted> {
    return submit(this.box, this.staging, { folder, kind, reported: {}, body: pieces(p7m) });
  }

  findSealed({ kind, p7m }: BroughtBatch, folder = "batch-1"): Promise<SealedBefore | undefined> {
    return findSealed(this.box, this.staging, { folder, kind, body: pieces(p7m) });
  }

  /** Submits and gives the challenge. */
  async challenge(batch: BroughtBatch): Promise<Challenge> {
    const submitted = await this.submit(batch);
    if (submitted.outcome !== "challenge") throw new Error("expected a challenge");
    return submitted.challenge.challenge;
  }

  /** Submits and authorises by op1 and op2. */
  async authorised(batch: BroughtBatch, ...by: readonly Issued[]): Promise<Challenge> {
    const challenge = await this.challenge(batch);
    const signers = by.length > 0 ? by : [operators.op1, operators.op2];
    await authorize(this.box, batch.batchDigest, await authorization(challenge, ...signers));
    return challenge;
  }

  seal(batch: BroughtBatch, onProgress: (done: number) => void = () => undefined) {
    return this.work.seal(batch.batchDigest, ({ done }) => onProgress(done));
  }

  remove(): void {
    this.box.db.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  parts() {
    const clocks: Clocks = this.clocks;
    const software = { digest: "00".repeat(32), version: "0.0.0" };
    const { attesting, config, hsm } = this;
    return { config, host: nodeHost, hsm, clocks, readLinks: () => this.links, software, attesting };
  }

  #configure(): SignerConfig {
    mkdirSync(join(this.folder, "state"));
    const uris = { sealing: "%01", audit: "%11", emergency: "%21", time: "%31" };
    const keys = mapKeys<Issued, SignerConfig["keys"]["audit"]>(this.hsm.keys, ({ certificate, spki }, name) => {
      const path = join(this.folder, `${name}.der`);
      writeFileSync(path, certificate);
      return { uri: `pkcs11:id=${uris[name]}`, spki, certificates: [path] };
    });
    return {
      appliance: this.policy.appliance,
      arc: this.policy.arc,
      clock: { errorSeconds: 1, lastSet: fromNow(-3600), source: "test" },
      genesis: policyDigest(this.policy),
      hsm: "software-token",
      isolation: "none",
      keys,
      media: "folder",
      socket: join(this.folder, "signer.sock"),
      state: join(this.folder, "state"),
      token: { environment: {}, module: "none", uri: "pkcs11:serial=f4ke" },
      unlockSocket: join(this.folder, "unlock.sock"),
    };
  }
}

export async function* pieces(bytes: Uint8Array, size = 70_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** The files of a receipt, by path. */
export async function filesOf({ box }: TestBox, number: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array[]>();
  let last: Uint8Array[] = [];
  async function* stream() {
    yield* receipt(box, number);
  }
  for await (const part of readFiles(stream())) {
    if ("path" in part) {
      last = [];
      files.set(part.path, last);
    } else last.push(part.bytes.slice());
  }
  return new Map([...files].map(([path, parts]) => [path, concat(parts)]));
}

export function manifestIn(files: ReadonlyMap<string, Uint8Array>): Manifest {
  return readManifest(readSignedData(files.get("manifest.p7m") as Uint8Array).content as Uint8Array);
}

/** The code of the refusal that a promise ends with; "none" when it does not refuse. */
export async function codeOf(promise: Promise<unknown>): Promise<RefusalCode | "none"> {
  try {
    await promise;
    return "none";
  } catch (fault) {
    if (fault instanceof Refusal) return fault.code;
    throw fault;
  }
}
