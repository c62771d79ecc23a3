/** While a large document is copied into the spool the disk takes what is there already, so that nobody waits for all of it at the end. */

import { closeSync, fsync } from "node:fs";
import { promisify } from "node:util";
import { openFileIn, openFolderIn, openRoot } from "../../host/no-follow.ts";
import { Refusal } from "../../manifests/refusal.ts";
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
    this.#syncing = syncDocument(this.#incoming, String(documents + 1).padStart(6, "0"))
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
}

const syncDescriptor = promisify(fsync);

/**
 * Makes durable what of a document is there; one that is whole by now is made durable with all others. Intake is trusted for nothing: only
 * a plain file in a plain folder is opened.
 */
async function syncDocument(incoming: string, name: string): Promise<void> {
  const top = openRoot(incoming);
  try {
    const folder = openFolderIn(top, "documents");
    if (folder === undefined) return;
    try {
      const file = openFileIn(folder, name);
      if (file) await syncDescriptor(file.descriptor).finally(() => closeSync(file.descriptor));
    } finally {
      closeSync(folder);
    }
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal("STORE", "a document could not be made durable", { about: name, cause });
  } finally {
    closeSync(top);
  }
}
