/** One upload at a time: received into a private folder beside the store, then ingested as `coldseal ledger ingest` does. Nothing is taken before all of it came. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { inWorkFolder } from "../ingest/work-folder.ts";
import { HalfTaken } from "./answer-refusal.ts";

/** What `coldseal ledger ingest --json` says. */
export interface IngestAnswer {
  readonly counts?: Readonly<Record<string, number>>;
  readonly told?: readonly IngestTold[];
  readonly refusal?: RefusalRecord & { readonly consequence: string; readonly kind: string; readonly next: string };
}

interface IngestTold {
  readonly stick: string;
  readonly place: string;
  readonly what: string;
  readonly box: string | null;
  readonly result: { readonly kind: string };
}

/** Puts what was sent into an empty folder. */
export type Receive = (folder: string) => Promise<void>;

const main = fileURLToPath(new URL("./ingest-process.ts", import.meta.url));
/** Of what the process says: a line for each record of a stick. */
const mostSaid = 256 * 1024 ** 2;
/** As the ingest itself says it, for one that could not. */
const takenBefore = "what was taken before stays taken, and the same again goes on";
/** Milliseconds after SIGTERM. */
const lastPatience = 2_000;

export class Uploads {
  readonly #ledger: string;
  #current: Promise<unknown> | undefined;
  #child: ChildProcess | undefined;
  #stopped = false;
  /** its time after `stop` is over */
  #ended = false;

  constructor(ledger: string) {
    this.#ledger = ledger;
  }

  /** Refuses BUSY while another is under way, here or in another process; what `receive` refuses; STORE; STOPPED where the service ends, or, as HalfTaken, where it takes longer than `patience` ms. */
  take(receive: Receive, patience: number): Promise<IngestAnswer> {
    if (this.#stopped) throw new Refusal("STOPPED", "the service ends", { got: "an upload" });
    if (this.#current !== undefined)
      throw new Refusal("BUSY", "another upload is under way", { expected: "one at a time", got: "two" });
    const taken = inWorkFolder(this.#ledger, async (copies) => {
      const stick = join(copies, "upload");
      await mkdir(stick, { mode: 0o700 });
      await receive(stick);
      return this.#ingest(stick, patience);
    });
    this.#current = taken;
    return taken.finally(() => {
      this.#current = undefined;
    });
  }

  /** Waits for the one that is under way; after `patience` ms its ingest is ended, which loses nothing: the same again goes on. */
  async stop(patience: number): Promise<void> {
    this.#stopped = true;
    const last = setTimeout(() => {
      this.#ended = true;
      this.#end();
    }, patience);
    await this.#current?.catch(() => undefined);
    clearTimeout(last);
  }

  #end(): void {
    const child = this.#child;
    child?.kill("SIGTERM");
    setTimeout(() => child?.kill("SIGKILL"), lastPatience).unref();
  }

  async #ingest(stick: string, patience: number): Promise<IngestAnswer> {
    if (this.#ended) throw new Refusal("STOPPED", "the service ends before this was taken", { got: "an upload" });
    const child = spawn(process.execPath, [main, this.#ledger, stick], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    const late = setTimeout(() => this.#end(), patience);
    try {
      const said = await saidBy(child);
      // Where it lay meanwhile is nobody's matter.
      return read(said.replaceAll(JSON.stringify(stick).slice(1, -1), "upload"), child);
    } finally {
      clearTimeout(late);
      this.#child = undefined;
    }
  }
}

async function saidBy(child: ChildProcess): Promise<string> {
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  const pieces: Buffer[] = [];
  let length = 0;
  child.stdout?.on("data", (piece: Buffer) => {
    length += piece.length;
    if (length <= mostSaid) pieces.push(piece);
    else child.kill("SIGTERM");
  });
  await ended.catch((cause) => {
    throw new Refusal("INTERNAL", "the ingest cannot be started", { cause });
  });
  return Buffer.concat(pieces).toString();
}

function read(said: string, { exitCode, signalCode }: ChildProcess): IngestAnswer {
  try {
    return JSON.parse(said) as IngestAnswer;
  } catch (cause) {
    const got = signalCode ?? `exit status ${exitCode}`;
    const stopped = new Refusal("STOPPED", "the ingest ended early", { got, cause });
    throw new HalfTaken(stopped, takenBefore);
  }
}
