/** A token in memory: keys in software, heads kept, and faults where a test wants them. It outlives the boxes that use it. */

import type { Hsm, KeyName, ObjectName, TokenHead } from "../../../appliance/signer/ports.ts";
import type { Suite } from "../../../manifests/cms/suite.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import { keyEntries, mapKeys, type OfKeys } from "../../../manifests/records/key-purpose.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { Issued } from "../../pki/authority.ts";
import { signWith } from "../../pki/keys.ts";

export const rightPin = "4711-right";

/** What was about to happen or has just happened when a fault comes. */
export type Moment = "before-sign" | "after-sign" | "before-head" | "after-head";

export class FakeHsm implements Hsm {
  readonly serial = "f4ke";
  readonly serialOf = (uri: string) => /serial=([^;]+)/.exec(uri)?.[1] ?? "";
  keys: OfKeys<Issued>;
  /** keys that are on the token beside those in use */
  others: readonly Issued[] = [];
  heads: TokenHead[] = [];
  genesis: TokenHead | undefined;
  loggedIn = false;
  gone = false;
  logins = 0;
  missing: readonly string[] = [];
  unrecorded: readonly string[] = [];
  /** every message that a key which seals signed */
  readonly sealed: Uint8Array[] = [];
  /** every message that the key for the box's own time-stamps signed */
  readonly stamped: Uint8Array[] = [];
  /** goes around everything that the token is asked for by name: fails before it, or after it was done */
  around: <T>(name: string, act: () => T) => Promise<T> = async (_, act) => act();
  /** throws to let a moment fail */
  onMoment: (moment: Moment) => void = () => undefined;
  /** changes signatures before they are given out */
  spoil: (key: KeyName, signature: Uint8Array) => Uint8Array = (_, signature) => signature;

  constructor(keys: OfKeys<Issued>) {
    this.keys = keys;
  }

  use(wanted: OfKeys<{ readonly spki: Uint8Array }>): void {
    const all = [...keyEntries(this.keys).map(([, key]) => key), ...this.others];
    const held = ({ spki }: { readonly spki: Uint8Array }) => {
      const found = all.find((one) => equal(one.spki, spki));
      if (!found) throw new Refusal("HSM-KEY", "the token has no such key");
      return found;
    };
    this.keys = mapKeys(wanted, held);
    const used = keyEntries(this.keys).map(([, key]) => key);
    this.others = all.filter((one) => !used.includes(one));
  }

  async compareKeys(uris: readonly string[]): Promise<{ missing: readonly string[]; unrecorded: readonly string[] }> {
    return { missing: uris.filter((uri) => this.missing.includes(uri)), unrecorded: this.unrecorded };
  }

  silentSeconds(): number {
    return 0;
  }

  present(): boolean {
    return !this.gone;
  }

  login(pin: Uint8Array): Promise<void> {
    return this.around("login", () => {
      this.#checkThere();
      this.logins++;
      if (new TextDecoder().decode(pin) !== rightPin) throw new Refusal("PIN-WRONG", "the token did not take the PIN");
      this.loggedIn = true;
    });
  }

  async changePin(): Promise<void> {
    throw new Refusal("HSM-UNSUPPORTED", "a token without hardware changes no PIN");
  }

  async logout(): Promise<void> {
    this.loggedIn = false;
  }

  sign(key: KeyName, _: Suite, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    return this.around(`sign ${key}`, () => this.#sign(key, messages));
  }

  #sign(key: KeyName, messages: readonly Uint8Array[]): readonly Uint8Array[] {
    this.#checkLogin();
    this.onMoment("before-sign");
    if (key === "sealing" || key === "emergency") this.sealed.push(...messages);
    if (key === "time") this.stamped.push(...messages);
    const signatures = messages.map((message) => {
      const { key: privateKey, suite } = this.keys[key] as Issued;
      return this.spoil(key, signWith(privateKey, suite, message));
    });
    this.onMoment("after-sign");
    return signatures;
  }

  readHead(name: ObjectName): Promise<TokenHead | undefined> {
    return this.around(`read ${name}`, () => {
      this.#checkLogin();
      return name === "head" ? this.heads.at(-1) : this.genesis;
    });
  }

  async advanceHead(name: ObjectName, head: TokenHead): Promise<void> {
    this.#checkLogin();
    const present = name === "head" ? this.heads.at(-1) : this.genesis;
    if (present && head.counter <= present.counter) throw new Refusal("CHAIN", "the counter in the token only rises");
    if (name === "genesis") {
      this.genesis = head;
      return;
    }
    this.onMoment("before-head");
    await this.around("write head", () => {
      this.heads = [...this.heads, head];
    });
    await this.around("destroy older head", () => {
      this.heads = this.heads.slice(-2);
    });
    this.onMoment("after-head");
  }

  #checkThere(): void {
    if (!this.gone) return;
    this.loggedIn = false;
    throw new Refusal("HSM-GONE", "the token is not there");
  }

  #checkLogin(): void {
    this.#checkThere();
    if (!this.loggedIn) throw new Refusal("LOCKED", "the token's login is gone");
  }
}
