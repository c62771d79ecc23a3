/**
 * The sticks as the daemon uses them through the mount helper: one mounted for reading while something is to be read, one
 * for writing while it is written, mounted anew and read again, and put away. Reading and writing never go on at once.
 */

import { join } from "node:path";
import { InTurn } from "../../host/in-turn.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { MountClient, StickRole, StickView } from "../client/mount-client.ts";
import { Alarms } from "./alarms.ts";
import type { Parts } from "./parts.ts";

export interface Written {
  /** below the stick's root */
  readonly path: string;
}

export class Sticks {
  readonly #client: MountClient;
  readonly #alarms = new Alarms();
  #view: StickView | undefined;
  #session = "";
  #journalled = 0;
  /** the plugging whose batches were all taken: it is not mounted for reading again */
  #read = "";
  /** when the stick was mounted for reading, in milliseconds */
  #since = 0;
  readonly #turns = new InTurn();

  constructor(client: MountClient) {
    this.#client = client;
  }

  /** Undefined while the helper does not answer. */
  get view(): StickView | undefined {
    return this.#view;
  }

  has(role: StickRole): boolean {
    return this.#view?.sticks.some(({ roles }) => roles.includes(role)) === true;
  }

  /** Whether the answers to what is read now stand on the same stick. */
  get readsAnswers(): boolean {
    return (
      this.#view?.sticks.some(
        ({ mounted, roles }) => roles.includes("out") && mounted.some(({ role }) => role === "in"),
      ) === true
    );
  }

  /** Looks at the sticks: alarms go to the journal, a stick with batches is mounted for reading, one that was read is put away. */
  async look(parts: Parts): Promise<void> {
    const before = this.#view;
    try {
      await this.#see(parts);
      if (!this.#view?.bus || !parts.book.ready) return;
      await this.alone(() => this.#mountOrPutAway(parts));
    } catch (fault) {
      if (parts.stop.aborted) return;
      const refusal = asRefusal(fault, "INTERNAL", "the sticks cannot be looked at");
      if (refusal.code === "UNREACHABLE") this.#view = undefined;
      if (refusal.code !== "UNREACHABLE" || before) parts.log.warn({ code: refusal.code }, refusal.message);
    }
  }

  /** Mounts the stick with batches for reading and does work on it; it is put away by a later look. Refuses as the helper does. */
  reading<T>(work: () => Promise<T>): Promise<T> {
    return this.alone(async () => {
      await this.#client.mount("in", false, null);
      this.#since = performance.now();
      return work();
    });
  }

  /**
   * CHECKED-OUT: has `write` write to the stick of a use, puts it away, mounts it again, the same one and read-only, and holds
   * what is read against what was written. On return the stick is put away and may be pulled out. `digest` is of a folder.
   */
  writing<T extends Written>(
    role: StickRole,
    digest: (folder: string) => Promise<string>,
    write: (root: string) => Promise<T>,
  ): Promise<T & { readonly remounted: true }> {
    return this.alone(async () => {
      const { identity, path: root } = await this.#client.mount(role, true, null);
      try {
        await this.#refresh();
        const written = await write(root);
        const folder = join(root, written.path);
        const before = await digest(folder);
        await this.#client.unmount(role);
        await this.#client.mount(role, false, identity);
        const after = await digest(folder);
        if (after !== before) {
          const detail = { about: written.path, expected: before, got: after };
          throw new Refusal("CHECKED-OUT", "the stick holds something else when it is mounted again", detail);
        }
        await this.#client.unmount(role);
        await this.#refresh();
        return { ...written, remounted: true } as const;
      } catch (fault) {
        await this.#client.unmount(role).catch(() => undefined);
        await this.#refresh();
        throw this.#isGone(role, fault) ? pulledOut(role, fault) : fault;
      }
    });
  }

  /** One use at a time. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(work);
  }

  /** A stick whose content is refused is there, and has no use. */
  #isGone(role: StickRole, fault: unknown): boolean {
    const unfit = fault instanceof Refusal && fault.code === "STICK-FORM";
    return this.#view !== undefined && !this.has(role) && !unfit;
  }

  /** What people are told is what is now; events stay to be journalled by the next look. */
  async #refresh(): Promise<void> {
    this.#view = await this.#client.state(this.#journalled).catch(() => undefined);
  }

  async #see({ book, log, signer }: Parts): Promise<void> {
    let view = await this.#client.state(this.#journalled);
    if (view.session !== this.#session) {
      // Another start of the helper: its numbers begin anew.
      this.#session = view.session;
      this.#journalled = 0;
      view = await this.#client.state(0);
    }
    const changed = JSON.stringify(view) !== JSON.stringify(this.#view);
    this.#view = view;
    if (changed) book.changes.beat();
    for (const { kind, record, sequence } of this.#alarms.rows(view.events, performance.now())) {
      log.warn({ kind, ...record }, "a USB device or stick is not as it should be");
      await signer.note(kind, record);
      this.#journalled = sequence;
    }
    this.#journalled = view.events.at(-1)?.sequence ?? this.#journalled;
  }

  async #mountOrPutAway({ book, settings }: Parts): Promise<void> {
    const stick = this.#view?.sticks.find(({ roles }) => roles.includes("in"));
    if (!stick) return;
    const mounted = stick.mounted.some(({ role }) => role === "in");
    if (!mounted && stick.mounted.length === 0 && this.#read !== stick.key) {
      await this.#client.mount("in", false, null);
      this.#since = performance.now();
    } else if (mounted && book.inbox.size === 0 && performance.now() - this.#since > quiet(settings)) {
      await this.#client.unmount("in");
      this.#read = stick.key;
      await this.#refresh();
    }
  }
}

/** T19: a stick that is gone answers anything, "no space" among it. By the kernel's list of USB devices it is known what it was. */
function pulledOut(about: string, cause: unknown): Refusal {
  const got = cause instanceof Refusal ? `${cause.code}: ${cause.message}` : "a fault";
  return new Refusal("STICK-GONE", "the stick was pulled out while it was written", { about, cause, got });
}

/** Long enough for two looks at the inbox after the stick was mounted. */
function quiet({ scanSeconds, settleSeconds }: Parts["settings"]): number {
  return (2 * scanSeconds + settleSeconds + 1) * 1000;
}
