/** The sessions of one login: one that holds it, others that are lent and kept for the next use. */

import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { returnValue, toRefusal } from "./faults.ts";
import type { Module } from "./module.ts";
import type { Session } from "./objects.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { withPinText } from "./pin.ts";

/** Idle sessions that are kept: as many as chunks under way times signing threads may borrow at once. */
const mostIdle = 12;

/** CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS (PKCS#11 v2.40 3.4): a session in which the user is logged in. */
const userStates: readonly number[] = [1, 3];

export class LoginSessions {
  readonly #module: Module;
  readonly #slot: pkcs11js.Handle;
  readonly #writable: boolean;
  readonly #generation: number;
  readonly #holder: pkcs11js.Handle;
  readonly #idle: pkcs11js.Handle[] = [];
  readonly #gone = Promise.withResolvers<void>();
  readonly #over = new Int32Array(new SharedArrayBuffer(8));
  #lent = 0;
  /** resolves when a lent session is back, or the login ended */
  #back = Promise.withResolvers<void>();
  #ended = false;

  /**
   * Opens a session and logs in with it, while no other process does so. Refuses as `toRefusal` says; nobody is logged in
   * then. A login that someone else of this process holds is ended first: under it no token would check the PIN.
   */
  constructor(module: Module, slot: pkcs11js.Handle, writable: boolean, pin: Uint8Array) {
    this.#module = module;
    this.#slot = slot;
    this.#writable = writable;
    this.#generation = module.generation;
    this.#holder = withPinText(pin, (text) => oneAtATime(module.place, () => this.#logIn(text)));
  }

  /** Resolves when nobody is logged in any more: after `end`, when the last lent session is back. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /**
   * Lends a session, also to other threads as long as `use` lasts. Where the token has no more sessions (its ulMaxSessionCount, which it may
   * share with others) it waits until one that is lent is back; `use` must not borrow another. Refuses with LOCKED when the login is gone; what `use`
   * throws passes, and costs that session.
   */
  async lend<T>(use: (session: Session) => T | Promise<T>): Promise<T> {
    const handle = await this.#borrow();
    const release = this.#module.hold();
    try {
      const result = await use({ library: this.#module.library, slot: this.#slot, handle, over: this.#over });
      this.#giveBack(handle);
      return result;
    } catch (error) {
      this.#close(handle);
      throw error;
    } finally {
      this.#lent--;
      this.#wake();
      if (this.#ended && this.#lent === 0) this.#logOut();
      release();
    }
  }

  /**
   * Lends no more, closes what is idle and logs out, the last two once no lent session is in use: another thread may be in the
   * middle of a call. Idempotent; never throws.
   */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    Atomics.store(this.#over, 0, 1);
    this.#wake();
    if (this.#lent === 0) this.#logOut();
  }

  #logOut(): void {
    this.#gone.resolve();
    if (this.#died()) return;
    for (const handle of this.#idle) this.#close(handle);
    try {
      this.#module.library.C_Logout(this.#holder);
    } catch {
      // it is gone already
    }
    this.#close(this.#holder);
  }

  #logIn(pin: string): pkcs11js.Handle {
    const { library } = this.#module;
    const session = this.#open();
    try {
      try {
        library.C_Login(session, pkcs11js.CKU_USER, pin);
      } catch (error) {
        if (returnValue(error)?.name !== "CKR_USER_ALREADY_LOGGED_IN") throw error;
        library.C_Logout(session);
        library.C_Login(session, pkcs11js.CKU_USER, pin);
      }
      return session;
    } catch (error) {
      this.#close(session);
      throw toRefusal(error, "logging in");
    }
  }

  async #borrow(): Promise<pkcs11js.Handle> {
    for (;;) {
      const handle = this.#idleOrNew();
      if (handle !== undefined) {
        this.#lent++;
        return handle;
      }
      await this.#back.promise;
    }
  }

  /** Undefined where there is no more until one that is lent is back. */
  #idleOrNew(): pkcs11js.Handle | undefined {
    for (let handle = this.#idle.pop(); handle; handle = this.#idle.pop()) {
      if (this.#isLoggedIn(handle)) return handle;
      this.#close(handle);
    }
    if (!this.#ended && !this.#died()) {
      const handle = this.#openUnlessFull();
      if (handle === undefined || this.#isLoggedIn(handle)) return handle;
      this.#close(handle);
    }
    throw new Refusal("LOCKED", "the token's login is gone");
  }

  #openUnlessFull(): pkcs11js.Handle | undefined {
    try {
      return this.#open();
    } catch (error) {
      const full = error instanceof Refusal && returnValue(error.cause)?.name === "CKR_SESSION_COUNT";
      if (full && this.#lent > 0) return undefined;
      throw error;
    }
  }

  #wake(): void {
    this.#back.resolve();
    this.#back = Promise.withResolvers<void>();
  }

  #giveBack(handle: pkcs11js.Handle): void {
    if (!this.#ended && this.#idle.length < mostIdle) this.#idle.push(handle);
    else this.#close(handle);
  }

  #open(): pkcs11js.Handle {
    const flags = pkcs11js.CKF_SERIAL_SESSION | (this.#writable ? pkcs11js.CKF_RW_SESSION : 0);
    try {
      return this.#module.library.C_OpenSession(this.#slot, flags);
    } catch (error) {
      throw toRefusal(error, "opening a session");
    }
  }

  #isLoggedIn(session: pkcs11js.Handle): boolean {
    try {
      return userStates.includes(this.#module.library.C_GetSessionInfo(session).state);
    } catch {
      return false;
    }
  }

  /** Whether the module was ended meanwhile: handles may then be those of others. */
  #died(): boolean {
    return this.#generation !== this.#module.generation;
  }

  #close(session: pkcs11js.Handle): void {
    if (this.#died()) return;
    try {
      this.#module.library.C_CloseSession(session);
    } catch {
      // it is gone already
    }
  }
}
