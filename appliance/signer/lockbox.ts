/** Locked and unlocked: the token's login, given only after the PIN was counted, the record verified and the heads compared. */

import type { Suite } from "../../manifests/cms/suite.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { JournalKind } from "./journal.ts";
import { countTry, readTries, writeTries } from "./pin-tries.ts";
import type { Hsm, KeyName } from "./ports.ts";
import type { Db } from "./store.ts";

export interface LockboxParts {
  readonly db: Db;
  readonly hsm: Hsm;
  now(): Utc;
  /** journals in a transaction of its own */
  note(kind: JournalKind, record: Json): void;
  /** refuses with CHAIN when the record is known to be broken */
  sound(): void;
  /** CHAIN: verifies the record in the store, then compares it with the token's head; needs the login */
  verify(): Promise<void>;
}

export class Lockbox {
  readonly #parts: LockboxParts;
  #unlocked = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: LockboxParts) {
    this.#parts = parts;
  }

  get unlocked(): boolean {
    return this.#unlocked;
  }

  /** Refuses with LOCKED while locked. */
  check(): void {
    if (!this.#unlocked) throw new Refusal("LOCKED", "the box is locked");
  }

  /**
   * Unlocks with the token's PIN, which is wiped in any case. The try is durable before the PIN is checked; the right PIN
   * resets the count. Refuses with PIN-LOCKED, PIN-WRONG, HSM codes, or CHAIN; the box is locked then. One try at a time.
   */
  unlock(pin: Uint8Array): Promise<void> {
    const turn = this.#last.then(() => this.#tryPin(pin)).finally(() => pin.fill(0));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Logs out. A document being signed is finished by the token; nothing more is signed. */
  async lock(why: string): Promise<void> {
    if (!this.#unlocked) return;
    this.#unlocked = false;
    await this.#parts.hsm.logout().catch(() => undefined);
    this.#parts.note("locked", { why });
  }

  /** Signs while unlocked. When the token goes away or its login is lost, the box is locked, and the refusal passes on. */
  async sign(key: KeyName, suite: Suite, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    this.check();
    return this.guard(() => this.#parts.hsm.sign(key, suite, messages));
  }

  /** Runs something that needs the login; locks the box when the token fails in it. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (fault) {
      const code = fault instanceof Refusal ? fault.code : "INTERNAL";
      // LOCKED while unlocked: the token has lost the login.
      if (this.#unlocked && (code.startsWith("HSM-") || code === "LOCKED")) {
        this.#parts.note("fault", { code, message: (fault as Refusal).message });
        await this.lock(code);
      }
      throw fault;
    }
  }

  async #tryPin(pin: Uint8Array): Promise<void> {
    if (this.#unlocked) return;
    const { db, hsm } = this.#parts;
    this.#parts.sound();
    if (!hsm.present()) throw new Refusal("HSM-GONE", "the token is not there", { expected: `serial ${hsm.serial}` });
    const counted = countTry(readTries(db), this.#parts.now());
    db.transaction(() => {
      writeTries(db, counted);
      this.#parts.note("pin-try", { failures: counted.failures });
    })();
    await hsm.login(pin);
    writeTries(db, { failures: 0, waitUntil: null });
    try {
      await this.#parts.verify();
    } catch (fault) {
      await hsm.logout().catch(() => undefined);
      throw fault;
    }
    this.#parts.note("unlocked", { token: hsm.serial });
    this.#unlocked = true;
  }
}
