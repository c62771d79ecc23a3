/** While a large document is copied into the spool the disk takes what is there already, so that nobody waits for all of it at the end. */

import { existsSync } from "node:fs";
import { syncFile } from "../../host/durable.ts";
import type { WorkDone } from "./work-rate.ts";

/** So many bytes are worth asking the disk. */
const enough = 64 << 20;

export class EarlySync {
  readonly #incoming: string;
  #document = -1;
  #synced = 0;
  #syncing: Promise<void> | undefined;
  #fault: unknown;

  /** Of a batch that is being copied into this folder. */
  constructor(incoming: string) {
    this.#incoming = incoming;
  }

  /** Told how far the copy is: `documents` are whole, the next one is being written. */
  note({ documents, bytes }: Pick<WorkDone, "documents" | "bytes">): void {
    if (documents !== this.#document) {
      this.#document = documents;
      this.#synced = bytes;
    }
    if (this.#syncing || bytes - this.#synced < enough) return;
    this.#synced = bytes;
    this.#syncing = this.#sync(`${this.#incoming}/documents/${String(documents + 1).padStart(6, "0")}`)
      .catch((fault) => {
        this.#fault ??= fault;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  /** Ends it. Refuses with STORE when a sync failed: that is final for the file, whatever a later one would say. */
  async end(): Promise<void> {
    await this.#syncing;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** A document that is whole by now is made durable with all others. */
  async #sync(path: string): Promise<void> {
    if (existsSync(path)) await syncFile(path);
  }
}
