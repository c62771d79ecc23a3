/** One intake process that looks at the stick again and again; when it dies another takes its place. */

import { type Connection, connect } from "../../host/wire.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";

export class ScanConnection {
  readonly #socket: string;
  #kept: Connection | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `stop` closes it. */
  constructor(socket: string, stop: AbortSignal) {
    this.#socket = socket;
    stop.addEventListener("abort", () => this.close());
  }

  /**
   * Scans the stick at `root`, one scan after another; `alive` is told of each sign of life. Refuses as intake does, with
   * UNREACHABLE, and with STOPPED when `signal` aborts.
   */
  scan(root: string, signal: AbortSignal, alive: () => void): Promise<Json> {
    const mine = this.#last.then(() => this.#scan(root, signal, alive));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Ends the process. The next scan starts another. */
  close(): void {
    this.#kept?.close();
    this.#kept = undefined;
  }

  async #scan(root: string, signal: AbortSignal, alive: () => void): Promise<Json> {
    const kept = this.#kept;
    try {
      if (!kept) return await this.#over(await connect(this.#socket), root, signal, alive);
      return await this.#over(kept, root, signal, alive).catch(async (fault) => {
        if (signal.aborted || !isGone(fault)) throw fault;
        return this.#over(await connect(this.#socket), root, signal, alive);
      });
    } catch (fault) {
      throw signal.aborted ? new Refusal("STOPPED", "the scan was stopped", { cause: fault }) : fault;
    }
  }

  /** Keeps the connection when intake answered over it. */
  async #over(connection: Connection, root: string, signal: AbortSignal, alive: () => void): Promise<Json> {
    const hangUp = () => connection.close();
    signal.addEventListener("abort", hangUp);
    if (signal.aborted) hangUp();
    this.#kept = connection;
    try {
      return (await connection.call("scan", { root }, { onProgress: alive })).result;
    } catch (fault) {
      this.close();
      throw fault;
    } finally {
      signal.removeEventListener("abort", hangUp);
    }
  }
}

/** Whether the process died since the scan before. */
function isGone(fault: unknown): boolean {
  return fault instanceof Refusal && fault.code === "UNREACHABLE";
}
