/** The signer's `Hsm` over a token of `hardware/`; the pinned keys and the two data objects are all that it uses. */

import type { Suite } from "../../manifests/cms/suite.ts";
import { keyEntries } from "../../manifests/records/key-purpose.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Hsm, KeyName, ObjectName, TokenHead } from "./ports.ts";

/** Of a token, what is used here. */
export interface TokenPort {
  readonly serial: string;
  present(): boolean;
  login(pin: Uint8Array): Promise<void>;
  logout(): Promise<void>;
  findKey(key: { readonly uri: string; readonly spki: Uint8Array }): Promise<unknown>;
}

export interface HeadsPort {
  read(label: string): Promise<{ readonly counter: number; readonly value: Uint8Array } | undefined>;
  advance(label: string, counter: number, value: Uint8Array): Promise<void>;
}

interface SignerPort {
  signMany(messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

export interface TokenParts {
  readonly token: TokenPort;
  readonly heads: HeadsPort;
  readonly appliance: string;
  signer(key: { readonly uri: string; readonly spki: Uint8Array; readonly suite: Suite }): SignerPort;
  compareKeys(
    uris: readonly string[],
  ): Promise<{ readonly missing: readonly string[]; readonly unrecorded: readonly string[] }>;
  serialOf(uri: string): string;
  /** in this process: a module may keep what a login is checked against (SoftHSM does) */
  changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<void>;
  /** milliseconds in which no signature came that a thread waits for */
  silence?(): number;
  /** told after each login, so that what signing needs is started before the first document */
  ready?(): void;
}

export class TokenHsm implements Hsm {
  readonly #parts: TokenParts;
  readonly #signers = new Map<string, SignerPort>();
  #keys: Parameters<Hsm["use"]>[0] | undefined;

  constructor(parts: TokenParts) {
    this.#parts = parts;
  }

  use(keys: Parameters<Hsm["use"]>[0]): void {
    this.#keys = keys;
    this.#signers.clear();
  }

  compareKeys(uris: readonly string[]): ReturnType<Hsm["compareKeys"]> {
    return this.#parts.compareKeys(uris);
  }

  serialOf(uri: string): string {
    return this.#parts.serialOf(uri);
  }

  get serial(): string {
    return this.#parts.token.serial;
  }

  present(): boolean {
    return this.#parts.token.present();
  }

  silentSeconds(): number {
    return Math.floor((this.#parts.silence?.() ?? 0) / 1000);
  }

  async login(pin: Uint8Array): Promise<void> {
    const { token } = this.#parts;
    const keys = this.#inUse();
    await token.login(pin);
    try {
      for (const [, { uri, spki }] of keyEntries(keys)) await token.findKey({ uri, spki });
    } catch (fault) {
      await token.logout();
      throw fault;
    }
    this.#parts.ready?.();
  }

  logout(): Promise<void> {
    return this.#parts.token.logout();
  }

  async changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<void> {
    await this.#parts.token.logout();
    await this.#parts.changePin(oldPin, newPin);
  }

  sign(key: KeyName, suite: Suite, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    return this.#signer(key, suite).signMany(messages);
  }

  async readHead(name: ObjectName): Promise<TokenHead | undefined> {
    const head = await this.#parts.heads.read(this.#label(name));
    return head && { counter: head.counter, content: head.value };
  }

  advanceHead(name: ObjectName, { counter, content }: TokenHead): Promise<void> {
    return this.#parts.heads.advance(this.#label(name), counter, content);
  }

  /** A token may serve one box only; the label says which. */
  #label(name: ObjectName): string {
    return `coldseal ${name} ${this.#parts.appliance}`;
  }

  #inUse(): Parameters<Hsm["use"]>[0] {
    if (this.#keys) return this.#keys;
    throw new Refusal("HSM-KEY", "it was not said which keys are in use");
  }

  #signer(key: KeyName, suite: Suite): SignerPort {
    const id = `${key} ${suite.name}`;
    const known = this.#signers.get(id);
    if (known) return known;
    const inUse = this.#inUse()[key];
    if (!inUse) throw new Refusal("HSM-KEY", `no ${key} key is in use`, { about: key });
    const { uri, spki } = inUse;
    const made = this.#parts.signer({ uri, spki, suite });
    this.#signers.set(id, made);
    return made;
  }
}
