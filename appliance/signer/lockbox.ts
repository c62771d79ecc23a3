/** Locked and unlocked: the token's login, given only after the PIN was counted, the record verified and the heads compared. */

import type { Suite } from "../../manifests/cms/suite.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { JournalKind } from "./journal.ts";
import { countTry, type PinTries, readTries, writeTries } from "./pin-tries.ts";
import type { Hsm, KeyName } from "./ports.ts";
import type { Db } from "./store.ts";

export interface LockboxParts {
  readonly db: Db;
  readonly hsm: Hsm;
  now(): Utc;
  /** journals in a transaction of its own */
  note(kind: JournalKind, record: Json): void;
  /** told of what kept something from being journalled that happens all the same */
  unnoted(fault: unknown): void;
  /** refuses with CHAIN or STORE when the record is known to be broken */
  sound(): void;
  /** refuses with CLOSED a box that was closed */
  mayUnlock(): void;
  /** told of an unlock, while the login is there */
  unlocked(): Promise<void>;
  /** CHAIN: verifies the record in the store, then compares it with the token's head; needs the login */
  verify(): Promise<void>;
}

export class Lockbox {
  readonly #parts: LockboxParts;
  #unlocked = false;
  /** counts the logins: a fault under an earlier one does not end this one */
  #logins = 0;
  /** the fault that locked the box last, and the login that it ended */
  #lockedBy: { readonly fault: Refusal; readonly login: number } | undefined;
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
   * resets the count, and a fault of the token that says nothing of the PIN takes the try back. An unlocked box is checked
   * no less: as a token checks a PIN only when nobody is logged in, it is locked first, and a wrong PIN leaves it so.
   * Refuses with PIN-LOCKED, which leaves the box as it was, PIN-WRONG, CLOSED, HSM codes, CHAIN or STORE. One at a time.
   */
  unlock(pin: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#tryPin(pin)).finally(() => pin.fill(0));
  }

  /**
   * Locks, and changes the token's PIN; both are wiped in any case. The try is counted as one of unlocking is, before the old
   * PIN is checked. On return the box is locked and the token takes the new PIN alone. Refuses as `unlock` does, before the login.
   */
  changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    return this.#inTurn(() => this.#tryChange(oldPin, newPin)).finally(() => {
      oldPin.fill(0);
      newPin.fill(0);
    });
  }

  /**
   * Nothing more is signed from the call on; on return nobody is logged in, not even by an unlock that was under way. A
   * document being signed is finished by the token. Never throws: what cannot be journalled is locked all the same.
   */
  lock(why: string): Promise<void> {
    const ended = this.#unlocked;
    this.#unlocked = false;
    return this.#inTurn(async () => {
      if (ended || this.#unlocked) await this.#end(why);
    });
  }

  /**
   * Signs while unlocked, a signature for each message. When the token goes away, its login is lost or it gives another
   * number of signatures, the box is locked, and the refusal passes on.
   */
  async sign(key: KeyName, suite: Suite, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    this.check();
    return this.guard(async () => {
      const signatures = await this.#parts.hsm.sign(key, suite, messages);
      if (signatures.length === messages.length) return signatures;
      throw new Refusal("HSM-SIGNATURE", "the token gave another number of signatures", {
        expected: `${messages.length}`,
        got: `${signatures.length}`,
      });
    });
  }

  /**
   * Runs something that needs the login, if the record is sound; locks the box when the token fails in it. Refuses with
   * LOCKED where the login was ended on request meanwhile: then the token misses its sessions and keys; where other work met
   * the token's fault first, with that fault.
   */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    this.#parts.sound();
    const login = this.#logins;
    try {
      return await work();
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault === this.#lockedBy?.fault) throw fault;
      const { code, message } = fault;
      const lasts = this.#unlocked && login === this.#logins;
      // LOCKED while unlocked: the token has lost the login.
      if (lasts && (code.startsWith("HSM-") || code === "LOCKED")) {
        this.#lockedBy = { fault, login };
        const locked = this.lock(code);
        this.#tell("fault", { code, message });
        await locked;
      } else if (!lasts && (code === "LOCKED" || code === "HSM-KEY" || code === "HSM-FAULT")) {
        if (this.#lockedBy?.login === login) throw this.#lockedBy.fault;
        throw new Refusal("LOCKED", "the box was locked meanwhile", { cause: fault });
      }
      throw fault;
    }
  }

  /** Locks and unlocks follow each other in the order in which they were asked for. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #tryPin(pin: Uint8Array): Promise<void> {
    const { hsm } = this.#parts;
    this.#parts.mayUnlock();
    const before = await this.#counted();
    if (this.#unlocked) await this.#end("to be unlocked anew");
    await this.#tried(before, () => hsm.login(pin));
    try {
      await this.#parts.verify();
      await this.#parts.unlocked();
      this.#parts.note("unlocked", { token: hsm.serial });
    } catch (fault) {
      await hsm.logout().catch(() => undefined);
      throw fault;
    }
    this.#logins++;
    this.#unlocked = true;
  }

  async #tryChange(oldPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    const { hsm } = this.#parts;
    const before = await this.#counted();
    if (this.#unlocked) await this.#end("its PIN is changed");
    await this.#tried(before, () => hsm.changePin(oldPin, newPin));
    this.#parts.note("pin-changed", { token: hsm.serial });
  }

  /** The try is durable before the PIN is checked; gives the count before it. */
  async #counted(): Promise<PinTries> {
    const { db, hsm } = this.#parts;
    this.#parts.sound();
    if (!hsm.present()) {
      if (this.#unlocked) await this.#end("HSM-GONE");
      throw new Refusal("HSM-GONE", "the token is not there", { expected: `serial ${hsm.serial}` });
    }
    const before = readTries(db);
    const counted = countTry(before, this.#parts.now());
    db.transaction(() => {
      writeTries(db, counted);
      this.#parts.note("pin-try", { failures: counted.failures });
    })();
    return before;
  }

  async #tried(before: PinTries, work: () => Promise<void>): Promise<void> {
    const { db } = this.#parts;
    try {
      await work();
    } catch (fault) {
      if (fault instanceof Refusal && !fault.code.startsWith("PIN-")) this.#takeBack(before, fault);
      throw fault;
    }
    writeTries(db, { failures: 0, waitUntil: null });
  }

  /** The token said nothing of the PIN: the count is durably what it was. */
  #takeBack(before: PinTries, { code, message }: Refusal): void {
    const { db } = this.#parts;
    try {
      db.transaction(() => {
        writeTries(db, before);
        this.#parts.note("fault", { code, message });
      })();
    } catch (fault) {
      this.#parts.unnoted(fault);
    }
  }

  async #end(why: string): Promise<void> {
    this.#unlocked = false;
    await this.#parts.hsm.logout().catch(() => undefined);
    this.#tell("locked", { why });
  }

  #tell(kind: JournalKind, record: Json): void {
    try {
      this.#parts.note(kind, record);
    } catch (fault) {
      this.#parts.unnoted(fault);
    }
  }
}
