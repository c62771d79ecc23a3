/** The threads of an ingest: they pack and check seals, and make of a list what the log takes. */

import { rm } from "node:fs/promises";
import type { Packed } from "../../host/packed-files.ts";
import { manySeals, VerifyCrew } from "../../host/verify-crew.ts";
import type { OfManifest } from "../../manifests/log/entry.ts";
import { Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { type PackedRecords, type SaltedSeals, unpackRecords } from "../log/salted-records.ts";
import { holdsMany, type PackOrder, packFolder } from "./pack-folder.ts";

/** What `ingest-worker.ts` does besides. */
export type IngestJob = { readonly pack: PackOrder } | { readonly salt: SaltOrder };

export interface SaltOrder {
  /** documents.jsonl of a private copy */
  readonly list: string;
  readonly of: OfManifest;
}

const main = new URL("./ingest-worker.ts", import.meta.url);

export class IngestCrew {
  readonly verifiers = new VerifyCrew({ joins: true, main });

  /** As `packFolder`, by a thread where the first folder in it holds so much that threads will be worth their start. */
  async pack(order: PackOrder): Promise<Packed> {
    if (!holdsMany(order, manySeals)) return packFolder(order);
    this.verifiers.ready(manySeals);
    const packed = (await this.#job({ pack: order })) as Packed | RefusalRecord | undefined;
    if (packed && "code" in packed) throw Refusal.fromRecord(packed);
    if (packed) return packed;
    await rm(order.file, { force: true }); // what a thread had of it
    return packFolder(order);
  }

  /** The records of a manifest's seals; undefined where no thread runs, or none could make them. */
  async salted(order: SaltOrder): Promise<SaltedSeals | undefined> {
    const salted = (await this.#job({ salt: order })) as SaltedSeals<PackedRecords> | undefined;
    return salted && { ...salted, records: unpackRecords(salted.records) };
  }

  /** Ends the threads. */
  close(): Promise<void> {
    return this.verifiers.close();
  }

  #job(job: IngestJob): Promise<unknown> {
    return this.verifiers.other(job);
  }
}
