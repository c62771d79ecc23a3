/** A witness as a process of its own, spoken to over HTTP. */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addCheckpointBytes } from "../../../ledger/witness/add-checkpoint.ts";
import { makeWitness } from "../../../ledger/witness/witness-folder.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { type LogKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { cheap, passphrase, Served, startLedger, startNode } from "../programs.ts";
import type { History } from "../trees.ts";

const dying = fileURLToPath(new URL("./dying-witness.ts", import.meta.url));

export class RealWitness {
  readonly base: string;
  readonly folder: string;
  vkey = "";
  url = "";
  served: Served | undefined;

  private constructor() {
    this.base = mkdtempSync(join(tmpdir(), "coldseal-witness-"));
    this.folder = join(this.base, "w");
  }

  /** Makes its folder; it does not run yet. */
  static async make(name: string, logs: readonly string[]): Promise<RealWitness> {
    const witness = new RealWitness();
    const listen = { host: "127.0.0.1", port: 0 };
    const made = { cost: cheap, folder: witness.folder, listen, logs, name, passphrase: utf8(passphrase) };
    witness.vkey = await makeWitness(made);
    return witness;
  }

  /** Starts it at the port that it had, so that its URL stays. */
  async start(): Promise<void> {
    await this.#serve(startLedger(["witness", "run", this.folder, "--passphrase-fd", "3", "--json"]));
  }

  /** Starts one that kills itself at that moment of its first cosignature. */
  async startDying(moment: "before" | "after"): Promise<void> {
    await this.#serve(startNode([dying, this.folder, moment]));
  }

  async #serve(child: ReturnType<typeof startNode>): Promise<void> {
    this.served = await Served.start(child, /"url":"[^"]+"\}\n/);
    this.url = (JSON.parse(this.served.out) as { url: string }).url;
  }

  async ask(log: LogKey, tree: History, from: number, to: number): Promise<{ status: number; text: string }> {
    const checkpoint = signedCheckpoint({ origin: log.vkey.name, ...tree.head(to) }, log);
    const path = from < to ? tree.path(from, to) : [];
    const body = new Uint8Array(addCheckpointBytes({ old: from, path, checkpoint }));
    const response = await fetch(`${this.url}/add-checkpoint`, { method: "POST", body });
    return { status: response.status, text: await response.text() };
  }

  backUp(): void {
    cpSync(this.folder, join(this.base, "backup"), { recursive: true });
  }

  /** What a restore does: the folder is as it was, in new files. */
  restore(): void {
    rmSync(this.folder, { recursive: true });
    cpSync(join(this.base, "backup"), this.folder, { recursive: true });
  }

  async remove(): Promise<void> {
    await this.served?.end("SIGKILL");
    rmSync(this.base, { recursive: true, force: true });
  }
}
