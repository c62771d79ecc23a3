/**
 * The spool: the private copies. `incoming/ID` is what intake writes and may be half done; `batches/DIGEST` is complete
 * and durable: `batch.p7m` or `envelopes.jsonl` (plain envelopes without contents), `documents/`, `intake.json`, `approvals/PERSON.p7m`, `authorization.p7m`.
 */

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isTemporary, makeFolder, moveDurable, removeDurable, syncTree, writeDurable } from "../../host/durable.ts";
import { removeTree } from "../../host/remove-tree.ts";
import { canonicalBytes, type Json, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import {
  hexText,
  integer,
  literal,
  nullable,
  object,
  oneOf,
  type Read,
  text,
  utc,
} from "../../manifests/encoding/shape.ts";
import { type BatchKind, batchKinds } from "../../manifests/records/batch-head.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** What holds who signed and what, by the kind of a batch; written by intake. */
export const requestFile: Readonly<Record<BatchKind, string>> = {
  "signed-request": "batch.p7m",
  "plain-envelopes": "envelopes.jsonl",
};

const readFacts = object({
  batch: nullable(text(64)),
  batchDigest: hexText(),
  bytes: integer(0),
  count: integer(1),
  expires: utc,
  /** of the inbox folder it was taken from; null where that is not known */
  fingerprint: nullable(hexText()),
  folder: text(64),
  kind: oneOf(batchKinds),
  mode: text(32),
  purpose: nullable(text(200)),
  submitter: text(500),
  taken: utc,
  version: literal(1),
});

/** `intake.json`: what intake said of a batch when it was taken. For order and comfort; the signer reads batch.p7m itself. */
export type IntakeFacts = Read<typeof readFacts>;

export class Spool {
  readonly root: string;

  /** Call `open` first. */
  constructor(root: string) {
    this.root = root;
  }

  get incoming(): string {
    return join(this.root, "incoming");
  }

  /** Makes the folders where missing, and removes what a crash left half done. Refuses with STORE. */
  async open(): Promise<void> {
    await makeFolder(this.incoming);
    await makeFolder(join(this.root, "batches"));
    await this.clearIncoming();
    for (const folder of [this.root, join(this.root, "batches")]) {
      for (const name of await readdir(folder)) if (isTemporary(name)) await this.discard(join(folder, name));
    }
  }

  /** Removes everything below `incoming`: only while nothing is being taken. An intake that was hung up on may write a moment longer. */
  async clearIncoming(): Promise<void> {
    for (const name of await readdir(this.incoming)) await this.discard(join(this.incoming, name));
  }

  /** A path below `incoming` that nothing stands at. */
  newIncoming(): string {
    return join(this.incoming, randomBytes(8).toString("hex"));
  }

  /** Removes what stands below `incoming`, in whatever state; nothing to be durable about. */
  async discard(path: string): Promise<void> {
    await removeTree(path);
  }

  /**
   * NOTHING-LOST: on return the batch stands complete and durable under its digest. What stands there already gives way: a
   * copy that was moved there and could not be made durable, or one that cannot be read. Refuses with STORE, MEDIA-KIND.
   */
  async keep(incoming: string, facts: IntakeFacts): Promise<void> {
    await makeFolder(join(incoming, "approvals"));
    await this.#carryOver(facts.batchDigest, join(incoming, "approvals"));
    await writeDurable(join(incoming, "intake.json"), canonicalBytes(facts as Json));
    await syncTree(incoming);
    await removeDurable(this.#of(facts.batchDigest));
    await moveDurable(incoming, this.#of(facts.batchDigest));
  }

  /** Approvals that stand in a copy that gives way, as far as they can be read: people gave them for this very batch. */
  async #carryOver(digest: string, to: string): Promise<void> {
    const from = join(this.#of(digest), "approvals");
    for (const name of await readdir(from).catch(() => [])) {
      const p7m = await readFile(join(from, name)).catch(() => undefined);
      if (p7m && !isTemporary(name)) await writeDurable(join(to, name), p7m);
    }
  }

  /** The complete batches. A folder whose facts cannot be read is left alone and told to `odd`. */
  async list(odd: (name: string, fault: unknown) => void): Promise<readonly IntakeFacts[]> {
    const found: IntakeFacts[] = [];
    for (const name of (await readdir(join(this.root, "batches"))).sort()) {
      try {
        const facts = readFacts(readCanonical(await readFile(join(this.#of(name), "intake.json"))), "intake.json");
        if (facts.batchDigest === name) found.push(facts);
        else odd(name, new Error("intake.json is of another batch"));
      } catch (fault) {
        odd(name, fault);
      }
    }
    return found;
  }

  /** The request's file in pieces; opened when the first is asked for. Refuses with BATCH-ENDED when the batch was removed. */
  async *request(digest: string, kind: BatchKind): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(join(this.#of(digest), requestFile[kind]), { highWaterMark: 256 * 1024 });
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== "ENOENT") throw fault;
      throw new Refusal("BATCH-ENDED", "the batch has ended: its copy was removed", { cause: fault });
    }
  }

  /** The private copy of a document by its index, as long as the batch is here: its path. */
  document(digest: string, index: number): string {
    return join(this.#of(digest), "documents", String(index).padStart(6, "0"));
  }

  /** Approvals by person, as stored. */
  async approvals(digest: string): Promise<ReadonlyMap<string, Uint8Array>> {
    const folder = join(this.#of(digest), "approvals");
    const found = new Map<string, Uint8Array>();
    for (const name of (await readdir(folder)).sort()) {
      const person = /^([a-z][a-z0-9-]*)\.p7m$/.exec(name)?.[1];
      if (person) found.set(person, await readFile(join(folder, name)));
    }
    return found;
  }

  /** Durable on return. `person` is a policy's person id. */
  async keepApproval(digest: string, person: string, p7m: Uint8Array): Promise<void> {
    await writeDurable(this.#approval(digest, person), p7m);
  }

  /** Durable on return. */
  async removeApproval(digest: string, person: string): Promise<void> {
    await removeDurable(this.#approval(digest, person));
  }

  async removeApprovals(digest: string): Promise<void> {
    for (const person of (await this.approvals(digest)).keys()) await this.removeApproval(digest, person);
    await removeDurable(join(this.#of(digest), "authorization.p7m"));
  }

  async keepAuthorization(digest: string, p7m: Uint8Array): Promise<void> {
    await writeDurable(join(this.#of(digest), "authorization.p7m"), p7m);
  }

  /** As stored; undefined where nothing was. */
  async authorization(digest: string): Promise<Uint8Array | undefined> {
    return readFile(join(this.#of(digest), "authorization.p7m")).catch((fault: NodeJS.ErrnoException) => {
      if (fault.code !== "ENOENT") throw fault;
      return undefined;
    });
  }

  /** Removes a batch; durable on return. */
  async remove(digest: string): Promise<void> {
    await removeDurable(this.#of(digest));
  }

  #of(digest: string): string {
    return join(this.root, "batches", digest);
  }

  #approval(digest: string, person: string): string {
    return join(this.#of(digest), "approvals", `${person}.p7m`);
  }
}
