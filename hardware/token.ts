/**
 * One token, pinned by its serial: one login at a time, sessions lent out by callback. When the token goes away, or a
 * login is lost in any other way, every later use is refused until someone logs in again.
 */

import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { returnValue, toRefusal } from "./faults.ts";
import { findPinnedKey, type PinnedKey, type TokenKey } from "./key.ts";
import { type Module, openModule, type TokenConfig } from "./module.ts";
import type { Session } from "./objects.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { LoginSessions } from "./sessions.ts";
import { type FoundToken, findToken, isPinned, type PinnedToken, readTokenInfo, readTokenUri } from "./slot.ts";

/** What the token says of its user PIN; some tokens never say. */
export type PinState = "ok" | "few-tries" | "last-try" | "locked" | "not-set";

export interface SessionOptions {
  /** `use` does no harm when it runs twice: it is called once more, in a new session, when its session dies */
  readonly repeat?: boolean;
}

export interface Token {
  readonly module: Module;
  readonly serial: string;
  /** as the token has it, or the URI where the token was never seen */
  readonly label: string;
  readonly loggedIn: boolean;
  /** changes with every login and loss of it; handles of objects are good within one value only */
  readonly epoch: number;
  /** Is the pinned token there now? Needs no login; never throws. Notices when it went away, and when it came back. */
  present(): boolean;
  /** Refuses with HSM-GONE or HSM-TOKEN. */
  pinState(): PinState;
  /**
   * Logs in as the user; a login that is held is given up first, so that the PIN is always checked by the token. `pin` is
   * UTF-8, the caller wipes it. Refuses with PIN-WRONG, PIN-LOCKED, HSM-GONE, HSM-TOKEN, BUSY (another process keeps the
   * lock) or another HSM code; nobody is logged in then.
   */
  login(pin: Uint8Array): Promise<void>;
  /** Ends the login and all sessions; on return nobody is logged in, and what was being signed is done. Never throws. */
  logout(): Promise<void>;
  /**
   * Lends a session under the login. What `use` throws passes, return values of the token as refusals: LOCKED when there
   * is no login (any more), HSM-GONE when the token is not there (any more; the login is lost), else by `faults.ts`.
   */
  withSession<T>(use: (session: Session) => T | Promise<T>, options?: SessionOptions): Promise<T>;
  /** Finds the one private key, see `findPinnedKey`. Needs the login. */
  findKey(wanted: PinnedKey): Promise<TokenKey>;
  /** Logs out and closes the module. Idempotent; never throws. */
  close(): Promise<void>;
}

export interface OpenTokenOptions {
  /** Open it also where the token is not there: it is looked for at each `present` and `login`. */
  readonly mayBeAbsent?: boolean;
}

/**
 * Opens the token that the configuration names. Refuses with HSM-MODULE, CONFIG (a URI without serial), HSM-GONE where no
 * token is there, and HSM-TOKEN, naming what was expected and what is there.
 */
export async function openToken(config: TokenConfig, options: OpenTokenOptions = {}): Promise<Token> {
  const pinned = readTokenUri(config.uri);
  const token = new OpenToken(openModule(config), pinned);
  try {
    token.find();
  } catch (error) {
    const absent = error instanceof Refusal && (error.code === "HSM-GONE" || error.code === "HSM-TOKEN");
    if (absent && options.mayBeAbsent) return token;
    await token.close();
    throw error;
  }
  return token;
}

/** Least time between two restarts of the module that look for a token that came back, in milliseconds. */
const restartPause = 1000;

class OpenToken implements Token {
  readonly module: Module;
  readonly #pinned: PinnedToken;
  #found: FoundToken | undefined;
  #login: LoginSessions | undefined;
  /** settles when the login before is over */
  #leaving: Promise<void> = Promise.resolve();
  #epoch = 0;
  #restarted = Number.NEGATIVE_INFINITY;
  /** the module failed in a way that it may not recover from by itself (tpm2-pkcs11 keeps a connection that broke) */
  #failed = false;
  #closed = false;

  constructor(module: Module, pinned: PinnedToken) {
    this.module = module;
    this.#pinned = pinned;
  }

  get serial(): string {
    return this.#pinned.serial;
  }

  get label(): string {
    return this.#found?.label ?? this.#pinned.uri.token ?? "";
  }

  get loggedIn(): boolean {
    return this.#login !== undefined;
  }

  get epoch(): number {
    return this.#epoch;
  }

  present(): boolean {
    try {
      this.find();
      return true;
    } catch {
      return false;
    }
  }

  pinState(): PinState {
    const { flags } = this.find();
    if ((flags & pkcs11js.CKF_USER_PIN_INITIALIZED) === 0) return "not-set";
    if ((flags & pkcs11js.CKF_USER_PIN_LOCKED) !== 0) return "locked";
    if ((flags & pkcs11js.CKF_USER_PIN_FINAL_TRY) !== 0) return "last-try";
    return (flags & pkcs11js.CKF_USER_PIN_COUNT_LOW) !== 0 ? "few-tries" : "ok";
  }

  async login(pin: Uint8Array): Promise<void> {
    await this.logout();
    this.#restarted = Number.NEGATIVE_INFINITY;
    if (this.#failed) this.#start(() => this.module.restart());
    this.#failed = false;
    const { slot, flags } = this.find();
    const writable = (flags & pkcs11js.CKF_WRITE_PROTECTED) === 0;
    try {
      this.#login = new LoginSessions(this.module, slot, writable, pin);
      this.#epoch++;
    } catch (error) {
      throw this.#meaning(error, "logging in");
    }
  }

  async logout(): Promise<void> {
    this.#end();
    await this.#leaving;
  }

  async withSession<T>(use: (session: Session) => T | Promise<T>, options: SessionOptions = {}): Promise<T> {
    try {
      return await this.#lend(use);
    } catch (error) {
      if (!options.repeat || returnValue(error)?.fault !== "retry") throw this.#meaning(error, "using it");
      if (!this.present()) throw this.#meaning(error, "using it");
    }
    try {
      return await this.#lend(use);
    } catch (error) {
      throw this.#meaning(error, "using it");
    }
  }

  findKey(wanted: PinnedKey): Promise<TokenKey> {
    return this.withSession((session) => findPinnedKey(session, wanted), { repeat: true });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.logout();
    this.module.close();
  }

  /** The token as it is now. A loss is noticed here: the login ends with it. Refuses with HSM-GONE or HSM-TOKEN. */
  find(): FoundToken {
    if (this.#closed) throw new Refusal("HSM-GONE", "the token was closed");
    this.#start(() => this.module.ensure());
    const info = this.#found && readTokenInfo(this.module.library, this.#found.slot);
    if (this.#found && info && isPinned(info, this.#pinned.uri)) {
      this.#found = { ...info, slot: this.#found.slot };
      return this.#found;
    }
    this.#end();
    this.#found = undefined;
    this.#found = this.#search();
    return this.#found;
  }

  /**
   * Looks at all slots, and again after a restart of the module: SoftHSM sees a token that came back only then. The second
   * look is under the lock, because the first may have met the token's file while another process rewrote it.
   */
  #search(): FoundToken {
    const { library } = this.module;
    try {
      return findToken(library, this.#pinned);
    } catch (error) {
      const now = performance.now();
      if (now - this.#restarted < restartPause) throw error;
      const before = this.#restarted;
      this.#restarted = now;
      if (!this.#start(() => this.module.restart())) {
        this.#restarted = before; // a session is still in use: the next look tries again
        throw error;
      }
      return oneAtATime(this.module.place, () => findToken(library, this.#pinned));
    }
  }

  /** A module that worked and now does not start is one whose token is gone (SoftHSM without its token folder). */
  #start<T>(start: () => T): T {
    try {
      return start();
    } catch (cause) {
      if (cause instanceof Refusal && cause.code === "BUSY") throw cause;
      this.#end();
      throw new Refusal("HSM-GONE", "the token's module does not start again", { expected: this.#pinned.text, cause });
    }
  }

  async #lend<T>(use: (session: Session) => T | Promise<T>): Promise<T> {
    if (!this.#login) throw new Refusal("LOCKED", "nobody is logged in to the token");
    return this.#login.lend(use);
  }

  /**
   * What a failure means. Where token or login are gone, that is the answer, whatever was said: SoftHSM without its files
   * speaks of invalid handles, or finds no objects. What did not come from the token passes.
   */
  #meaning(error: unknown, what: string): unknown {
    const value = returnValue(error instanceof Refusal ? error.cause : error);
    const code = error instanceof Refusal ? error.code : undefined;
    if (!value && !code?.startsWith("HSM-") && code !== "LOCKED") return error;
    if (value?.fault === "fatal") this.#failed = true;
    if (code === "LOCKED" || value?.fault === "gone" || value?.fault === "login") this.#end();
    if (code?.startsWith("PIN-")) return error;
    try {
      this.find();
    } catch (absent) {
      return absent;
    }
    if (this.#login || code !== undefined) return toRefusal(error, what);
    return new Refusal("LOCKED", "the token's login is gone", { got: value?.name ?? "", cause: error });
  }

  #end(): void {
    if (!this.#login) return;
    this.#login.end();
    this.#leaving = this.#login.gone;
    this.#login = undefined;
    this.#epoch++;
  }
}
