/**
 * A folder that is watched: whatever turns up in it as a folder (a stick that is mounted there, or one that was copied or renamed into place) is given on once it is complete,
 * which is when nothing below it changed for a while. Nothing of this is kept: after a crash all that is there is given on again, and what is known changes nothing.
 */

import { createHash } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { asRefusal, type Refusal } from "../../manifests/refusal.ts";

/** What became of a folder. */
export interface TakenFolder {
  /** nothing of it was refused, left or passed over; else it is given on again once the ledger was changed, as what it needs may have come, and every `anew` */
  readonly final: boolean;
  /** the ledger has more than before */
  readonly changed: boolean;
  readonly told: ReadonlySet<string>;
}

export interface WatchWork {
  readonly dir: string;
  /** so long nothing below a folder must have changed, ms */
  readonly settle: number;
  /** between two looks, ms */
  readonly every: number;
  /** between two looks at one that was given on, ms: what was added to it is found then */
  readonly again: number;
  /** between two times that one is given on of which not all is final, ms, whatever else happens */
  readonly anew: number;
  readonly signal: AbortSignal;
  /**
   * Takes it. `told`: what was told of it before, where it stands as it did then; else undefined. A refusal STORE or BUSY has it given on again soon, another thrown one not before it is
   * changed.
   */
  take(folder: string, told: ReadonlySet<string> | undefined): Promise<TakenFolder>;
  /** told of what is no folder, or cannot be looked at, once */
  left(name: string, why: string): void;
  /** ms, never backwards */
  now?(): number;
}

/** What is still being made: hidden, or by its name. */
const unfinished = /^\.|\.(?:part|partial|tmp)$/i;
const later: readonly Refusal["code"][] = ["STORE", "BUSY"];
const deepest = 16;

interface Seen {
  /** its state when it was looked at last, and since when that stands */
  print: string;
  since: number;
  looked: number;
  /** the state that was given on */
  taken: string | undefined;
  /** what was told of that state, and, where not all of it is final, when that was and how often the ledger had been changed */
  told: ReadonlySet<string>;
  open: { readonly at: number; readonly changes: number } | undefined;
}

/** Until the signal; what is under way then is `take`'s to end. */
export async function watchFolder(work: WatchWork): Promise<void> {
  const { every, signal } = work;
  const watcher = new Watcher(work);
  while (!signal.aborted) {
    await watcher.round();
    if (signal.aborted) return;
    await wait(every, undefined, { signal }).catch(() => undefined);
  }
}

class Watcher {
  readonly #work: WatchWork;
  readonly #seen = new Map<string, Seen>();
  readonly #left = new Map<string, string>();
  /** folders that changed the ledger */
  #changes = 0;

  constructor(work: WatchWork) {
    this.#work = work;
  }

  async round(): Promise<void> {
    const { dir, signal } = this.#work;
    let names: readonly string[] = [];
    try {
      names = readdirSync(dir);
      this.#left.delete("");
    } catch (fault) {
      this.#leave("", wordsOf(fault));
    }
    for (const known of [...this.#seen.keys(), ...this.#left.keys()]) {
      if (known === "" || names.includes(known)) continue;
      this.#seen.delete(known);
      this.#left.delete(known);
    }
    for (const name of [...names].sort()) {
      if (signal.aborted) return;
      if (!unfinished.test(name)) await this.#look(name);
    }
  }

  async #look(name: string): Promise<void> {
    const { again, dir, now = () => performance.now(), settle } = this.#work;
    const known = this.#seen.get(name);
    const stands = known?.taken === known?.print && known !== undefined;
    if (stands && now() - known.looked < again && !this.#isDue(known, now())) return;
    let print: string | undefined;
    try {
      const path = join(dir, name);
      if (!lstatSync(path).isDirectory()) return this.#leave(name, "no folder: what is packed must be unpacked first");
      print = printOf(path);
    } catch (fault) {
      return this.#leave(name, wordsOf(fault));
    }
    this.#left.delete(name);
    // A place where no stick is mounted, or not any more.
    if (print === undefined) return void this.#seen.delete(name);
    const at = now();
    const seen: Seen = known ?? {
      print,
      since: at,
      looked: at,
      taken: undefined,
      told: new Set(),
      open: undefined,
    };
    this.#seen.set(name, seen);
    seen.looked = at;
    if (seen.print !== print) [seen.print, seen.since] = [print, at];
    if (at - seen.since < settle || (print === seen.taken && !this.#isDue(seen, at))) return;
    await this.#take(name, seen);
  }

  #isDue({ open }: Seen, at: number): boolean {
    return open !== undefined && (open.changes !== this.#changes || at - open.at >= this.#work.anew);
  }

  async #take(name: string, seen: Seen): Promise<void> {
    const { dir, now = () => performance.now() } = this.#work;
    const { print } = seen;
    const changes = this.#changes;
    try {
      const taken = await this.#work.take(join(dir, name), print === seen.taken ? seen.told : undefined);
      if (taken.changed) this.#changes += 1;
      seen.told = taken.told;
      // What it brought itself may be what the rest of it needs.
      seen.open = taken.final ? undefined : { at: now(), changes };
    } catch (fault) {
      if (later.includes(asRefusal(fault, "INTERNAL", "it could not be taken").code)) {
        seen.since = now();
        return;
      }
      seen.open = undefined;
    }
    seen.taken = print;
  }

  #leave(name: string, why: string): void {
    if (this.#left.get(name) === why) return;
    this.#left.set(name, why);
    this.#work.left(name, why);
  }
}

function wordsOf(fault: unknown): string {
  return `cannot be looked at (${(fault as NodeJS.ErrnoException).code ?? (fault as Error).message})`;
}

/** Of all names, sizes and times below, links not followed; undefined: nothing is there. Throws errors of the system. */
function printOf(path: string): string | undefined {
  const hash = createHash("sha256");
  let seen = 0;
  const below = (folder: string, depth: number): void => {
    for (const name of readdirSync(folder).sort()) {
      const stat = lstatSync(join(folder, name), { bigint: true, throwIfNoEntry: false });
      if (!stat) continue;
      seen += 1;
      hash.update(
        `${depth} ${JSON.stringify(name)} ${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino} ${stat.dev}\n`,
      );
      if (stat.isDirectory() && depth < deepest) below(join(folder, name), depth + 1);
    }
  };
  below(path, 0);
  return seen === 0 ? undefined : hash.digest("hex");
}
