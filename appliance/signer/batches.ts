/** What the store knows of each batch: the request, its newest challenge, and the state that follows from the rows. */

import { fromHex, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { readCanonical } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type BatchHead, readBatchHead } from "../../manifests/records/batch-head.ts";
import { type Challenge, readChallenge } from "../../manifests/records/decision.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { pastSealedAs } from "./past.ts";
import type { Db } from "./store.ts";

export type BatchState = "challenged" | "authorized" | "sealing" | "sealed" | "aborted" | "rejected";

export interface Batch {
  readonly id: number;
  readonly batchDigest: Uint8Array;
  readonly submitterKey: Uint8Array;
  readonly identity: Uint8Array;
  readonly head: BatchHead;
  readonly count: number;
  readonly bytes: number;
  readonly fileDigest: Uint8Array;
  readonly submitterName: string;
  readonly submitterCertificate: Uint8Array;
  readonly folder: string;
  readonly submitted: Utc;
}

export interface OpenChallenge {
  readonly id: number;
  readonly content: Uint8Array;
  readonly challenge: Challenge;
  /** documents of the batch that were sealed before in another batch, when the challenge was issued */
  readonly earlier: number;
}

export interface Ending {
  readonly kind: "rejection" | "abort";
  readonly p7m: Uint8Array;
  readonly person: string;
  readonly name: string;
  readonly reason: string;
  readonly time: Utc;
}

export interface Progress {
  readonly number: number | null;
  readonly done: number;
  readonly bytes: number;
}

interface RequestRow
  extends Omit<
    Batch,
    "batchDigest" | "submitterKey" | "head" | "fileDigest" | "submitterName" | "submitterCertificate"
  > {
  readonly batch_digest: Uint8Array;
  readonly submitter_key: Uint8Array;
  readonly head: string;
  readonly file_digest: Uint8Array;
  readonly submitter_name: string;
  readonly submitter_certificate: Uint8Array;
}

export class Batches {
  readonly #db: Db;
  readonly #newest;
  readonly #one;
  readonly #challenge;
  readonly #state;
  readonly #ending;
  readonly #register;
  readonly #progress;

  constructor(db: Db) {
    this.#db = db;
    this.#newest = db.prepare<[Uint8Array], RequestRow>(
      "SELECT * FROM requests WHERE batch_digest = ? ORDER BY id DESC LIMIT 1",
    );
    this.#one = db.prepare<[number], RequestRow>("SELECT * FROM requests WHERE id = ?");
    this.#challenge = db.prepare<[number], { id: number; content: Uint8Array; earlier: number }>(
      "SELECT id, content, earlier FROM challenges WHERE request = ? ORDER BY id DESC LIMIT 1",
    );
    this.#state = db.prepare<{ id: number }, StateFacts>(`SELECT
      (SELECT kind FROM endings WHERE request = @id) AS ending,
      (SELECT number FROM reservations WHERE request = @id) AS number,
      (SELECT outcome FROM manifests m JOIN reservations r USING (number) WHERE r.request = @id) AS outcome,
      (SELECT count(*) FROM authorizations WHERE challenge =
        (SELECT id FROM challenges WHERE request = @id ORDER BY id DESC LIMIT 1)) AS authorized`);
    this.#ending = db.prepare<[number], Ending>("SELECT * FROM endings WHERE request = ?");
    this.#register = db
      .prepare<[Uint8Array], number>("SELECT number FROM register WHERE identity = ? ORDER BY number DESC LIMIT 1")
      .pluck();
    this.#progress = db.prepare<
      [number],
      { done: number; bytes: number | null }
    >(`SELECT count(*) AS done, sum(d.size) AS bytes
      FROM reservations r JOIN signatures s USING (number) JOIN documents d ON d.request = r.request AND d.idx = s.idx
      WHERE r.request = ?`);
  }

  /** The batch of a digest (hex); of several submitters' equal requests the newest. Refuses with BATCH-UNKNOWN. */
  find(batchDigest: string): Batch {
    const batch = this.findNewest(fromHex(batchDigest));
    if (!batch) throw new Refusal("BATCH-UNKNOWN", "no such batch here", { about: batchDigest });
    return batch;
  }

  findNewest(batchDigest: Uint8Array): Batch | undefined {
    const row = this.#newest.get(batchDigest);
    return row && readRow(row);
  }

  get(id: number): Batch {
    const row = this.#one.get(id);
    if (!row) throw new Refusal("STORE", `request ${id} is missing`);
    return readRow(row);
  }

  /** Newest first; `before` is the id of the last one seen. */
  list(limit: number, before: number): readonly Batch[] {
    return this.#db
      .prepare<[number, number], RequestRow>("SELECT * FROM requests WHERE id < ? ORDER BY id DESC LIMIT ?")
      .all(before, limit)
      .map(readRow);
  }

  state(batch: Batch): BatchState {
    return stateOf(this.#state.get({ id: batch.id }) as StateFacts);
  }

  /** The newest challenge: the only one that can still be approved, or the one that was used. */
  challenge(batch: Batch): OpenChallenge {
    const row = this.#challenge.get(batch.id);
    if (!row) throw new Refusal("STORE", "a batch without challenge", { about: hex(batch.batchDigest) });
    return { ...row, challenge: readChallenge(row.content) };
  }

  ending(batch: Batch): Ending | undefined {
    return this.#ending.get(batch.id);
  }

  /** The last manifest that sealed this identity; whether it may be sealed again is `reseal.ts`'s matter (SEAL-ONCE). */
  sealedAs(identity: Uint8Array): number | undefined {
    return this.#register.get(identity) ?? pastSealedAs(this.#db, identity);
  }

  /** The batch of a manifest's number. */
  sealedUnder(number: number): Batch {
    const request = this.#db
      .prepare<[number], number>("SELECT request FROM reservations WHERE number = ?")
      .pluck()
      .get(number);
    if (request === undefined) throw new Refusal("STORE", `manifest ${number} has lost its batch`);
    return this.get(request);
  }

  number(batch: Batch): number | null {
    return (this.#state.get({ id: batch.id }) as StateFacts).number;
  }

  /** Seals that are stored. */
  progress(batch: Batch): Progress {
    const { number, outcome } = this.#state.get({ id: batch.id }) as StateFacts;
    if (number === null) return { number, done: 0, bytes: 0 };
    if (outcome === "sealed") return { number, done: batch.count, bytes: batch.bytes };
    const { done, bytes } = this.#progress.get(batch.id) as { done: number; bytes: number | null };
    return { number, done, bytes: bytes ?? 0 };
  }

  released(number: number): boolean {
    return this.#db.prepare("SELECT 1 FROM releases WHERE number = ?").get(number) !== undefined;
  }

  /** The reservation without a manifest: at most one, as batches are sealed one at a time. */
  unfinished(): { readonly number: number; readonly batch: Batch } | undefined {
    const row = this.#db
      .prepare<[], { number: number; request: number }>(
        "SELECT number, request FROM reservations WHERE number NOT IN (SELECT number FROM manifests)",
      )
      .get();
    return row && { number: row.number, batch: this.get(row.request) };
  }
}

export interface StateFacts {
  readonly ending: "rejection" | "abort" | null;
  readonly number: number | null;
  readonly outcome: "sealed" | "aborted" | null;
  readonly authorized: number;
}

/** A batch's state as its rows say; an abort ordered in the middle shows as sealing until its manifest is there. */
export function stateOf(facts: StateFacts): BatchState {
  if (facts.outcome !== null) return facts.outcome;
  if (facts.number !== null) return "sealing";
  if (facts.ending !== null) return facts.ending === "rejection" ? "rejected" : "aborted";
  return facts.authorized > 0 ? "authorized" : "challenged";
}

function readRow(row: RequestRow): Batch {
  return {
    id: row.id,
    batchDigest: row.batch_digest,
    submitterKey: row.submitter_key,
    identity: row.identity,
    head: readBatchHead(readCanonical(utf8(row.head)), "request"),
    count: row.count,
    bytes: row.bytes,
    fileDigest: row.file_digest,
    submitterName: row.submitter_name,
    submitterCertificate: row.submitter_certificate,
    folder: row.folder,
    submitted: row.submitted,
  };
}
