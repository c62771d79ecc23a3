/**
 * The newest tree that a key signed, for each log, kept so that no older one can be signed after it: by the signer for its one log, by a witness for all
 * of its. What `advance` guarantees on return: the new tree is on the disk, in place of the one that the caller compared with. A state that may be an
 * older one (`suspicion.ts`) signs nothing until a person has moved it forward.
 */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder } from "../../host/durable.ts";
import { InTurn } from "../../host/in-turn.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCounter, writeCounter } from "./counter-file.ts";
import { createHeads, type Db, openHeads, storeFault } from "./database.ts";
import { emptyHead, type TreeHead } from "./follows.ts";
import { fileIdentity, lastChange, wasCut } from "./identity.ts";
import { suspicion } from "./suspicion.ts";

export interface HeadsPlace {
  /** the database file */
  readonly file: string;
  /** the counter's file; best on another file system */
  readonly counter: string;
}

export interface SignedHead extends TreeHead {
  /** what was given out with it, for those who ask again; none where nothing was signed yet, or the head was moved by a person */
  readonly note: Uint8Array | null;
  /** why nothing is signed for this log */
  readonly stopped: string | null;
}

/** Makes the files. Durable on return. Refuses STORE where heads, or a counter of others, are kept there already. */
export async function makeSignedHeads({ counter, file }: HeadsPlace): Promise<void> {
  if (existsSync(counter)) throw new Refusal("STORE", "a counter is kept there already", { about: counter });
  createHeads(file);
  await writeCounter(counter, { changed: lastChange(file), counter: 0 });
  await syncFolder(dirname(file));
}

/** Opens the heads of these logs, for this process alone. Refuses BUSY, STORE, and JSON or SHAPE for a counter that is none. */
export async function openSignedHeads(place: HeadsPlace, origins: readonly string[]): Promise<SignedHeads> {
  const cut = existsSync(place.file) && wasCut(place.file);
  const db = openHeads(place.file);
  try {
    const heads = new SignedHeads(db, place);
    await heads.begin(origins, cut);
    return heads;
  } catch (fault) {
    db.close();
    throw storeFault(fault, place.file);
  }
}

export class SignedHeads {
  readonly #db: Db;
  readonly #place: HeadsPlace;
  readonly #turn = new InTurn();
  /** a write failed: what the files hold is not known to this process any more */
  #lost = false;

  /** Use `openSignedHeads`. */
  constructor(db: Db, place: HeadsPlace) {
    this.#db = db;
    this.#place = place;
  }

  /** Looks whether the files are those that were written last, and stops every log where they may not be. `cut`: a transaction was undone in opening them. */
  async begin(origins: readonly string[], cut: boolean): Promise<void> {
    const { file, counter } = this.#place;
    const identity = fileIdentity(file);
    const beside = readCounter(counter);
    const row = this.#db
      .prepare<[], { counter: number; identity: string }>("SELECT counter, identity FROM file")
      .get() ?? { counter: 0, identity: "" };
    const changed = !cut && beside !== undefined && beside.changed !== lastChange(file);
    const sameFile = row.identity === identity;
    const why = suspicion({ beside: beside?.counter, changed, counter: row.counter, sameFile });
    const add = this.#db.prepare("INSERT INTO heads VALUES (?, 0, ?, NULL, ?) ON CONFLICT DO NOTHING");
    await this.#write(Math.max(row.counter, beside?.counter ?? 0) + 1, () => {
      for (const origin of origins) add.run(origin, emptyHead.root, why ?? null);
      if (why !== undefined) this.#db.prepare("UPDATE heads SET stopped = ? WHERE stopped IS NULL").run(why);
      this.#db.prepare("UPDATE file SET identity = ?").run(identity);
    });
  }

  /** The newest tree of a log. Refuses STORE a log that this file does not keep. */
  head(origin: string): SignedHead {
    const found = this.#db
      .prepare<[string], Omit<SignedHead, "root" | "note"> & { root: Buffer; note: Buffer | null }>(
        "SELECT size, root, note, stopped FROM heads WHERE origin = ?",
      )
      .get(origin);
    if (!found) throw new Refusal("STORE", "no head is kept for this log", { about: origin });
    const { note, root, size, stopped } = found;
    return { size, root: new Uint8Array(root), note: note && new Uint8Array(note), stopped };
  }

  /**
   * Puts `next` in the place of `from`, with what will be given out for it. Durable on return; only then may anything of it be given out. Refuses LOG-HEAD where
   * another tree than `from` is the newest by now, LEDGER-STOPPED, STORE.
   */
  async advance(origin: string, from: TreeHead, next: TreeHead, note: Uint8Array): Promise<void> {
    await this.#turn.run(() =>
      this.#write(undefined, () => {
        const now = this.head(origin);
        if (now.stopped !== null) throw stoppedRefusal(origin, now.stopped);
        if (now.size !== from.size || !equal(now.root, from.root)) {
          throw new Refusal("LOG-HEAD", "another tree was signed meanwhile", {
            expected: `a tree after size ${now.size}`,
            got: `one after size ${from.size}`,
            about: origin,
          });
        }
        this.#set(origin, next, note, null);
      }),
    );
  }

  /** Signs nothing more for a log, from now on and after every start. Durable on return. Refuses STORE. */
  async stop(origin: string, why: string): Promise<void> {
    await this.#turn.run(() =>
      this.#write(undefined, () => {
        this.#db.prepare("UPDATE heads SET stopped = ? WHERE origin = ? AND stopped IS NULL").run(why, origin);
      }),
    );
  }

  /** A person says that this is the newest tree that was ever signed: it is gone on from there. Durable on return. Refuses LOG-HEAD a smaller one, or another root of one size; STORE. */
  async forward(origin: string, to: TreeHead): Promise<void> {
    await this.#turn.run(() =>
      this.#write(undefined, () => {
        const now = this.head(origin);
        const other = to.size === now.size && !equal(to.root, now.root);
        if (to.size < now.size || other) {
          throw new Refusal("LOG-HEAD", "the state is newer than the tree that it shall be moved to", {
            expected: `size ${now.size} or more`,
            got: other ? `size ${to.size} with another root` : `size ${to.size}`,
            about: origin,
          });
        }
        this.#set(origin, to, to.size === now.size ? now.note : null, null);
      }),
    );
  }

  close(): void {
    this.#db.close();
  }

  #set(origin: string, { root, size }: TreeHead, note: Uint8Array | null, stopped: string | null): void {
    this.#db
      .prepare("UPDATE heads SET size = ?, root = ?, note = ?, stopped = ? WHERE origin = ?")
      .run(size, root, note, stopped, origin);
  }

  /** One transaction, and the counter after it. After a fault at the disk this process writes no more: it is for a new one to see what is there. */
  async #write(counter: number | undefined, change: () => void): Promise<void> {
    if (this.#lost) throw new Refusal("STORE", "the heads could not be written before", { about: this.#place.file });
    try {
      const written = this.#db.transaction(() => {
        change();
        return this.#db
          .prepare<[number | null], number>("UPDATE file SET counter = coalesce(?, counter + 1) RETURNING counter")
          .pluck()
          .get(counter ?? null) as number;
      })();
      await writeCounter(this.#place.counter, { changed: lastChange(this.#place.file), counter: written });
    } catch (fault) {
      const refusal = storeFault(fault, this.#place.file);
      if (!(refusal instanceof Refusal) || refusal.code === "STORE") this.#lost = true;
      throw refusal;
    }
  }
}

export function stoppedRefusal(origin: string, why: string): Refusal {
  return new Refusal("LEDGER-STOPPED", "nothing is signed for this log until a person moves its state forward", {
    expected: "the state in which it signed last",
    got: why,
    about: origin,
  });
}
