/** What the signer asks of its token; `token-hsm.ts` implements it over `hardware/`, tests by a fake. */

import type { Suite } from "../../manifests/cms/suite.ts";
import type { KeyPurpose as KeyName, OfKeys } from "../../manifests/records/key-purpose.ts";

export type { KeyPurpose as KeyName } from "../../manifests/records/key-purpose.ts";

/** `head`: the journal's head. `genesis`: the genesis policy's digest, written once. */
export type ObjectName = "head" | "genesis";

/** What the token keeps for the box in private data objects; of one name the highest counter wins. */
export interface TokenHead {
  readonly counter: number;
  readonly content: Uint8Array;
}

export interface Hsm {
  /** From now on `login` finds these keys, and `sign` signs by them; what signed before is forgotten. */
  use(keys: OfKeys<{ readonly uri: string; readonly spki: Uint8Array }>): void;
  /**
   * Of private keys (RFC 7512 URIs): those that are not on the token, and what else is there, by label and id. Needs the login.
   */
  compareKeys(
    uris: readonly string[],
  ): Promise<{ readonly missing: readonly string[]; readonly unrecorded: readonly string[] }>;
  /** serial of the pinned token */
  readonly serial: string;
  /** serial that another token's URI (RFC 7512) names, whether that is there or not */
  serialOf(uri: string): string;
  /** Is the pinned token there now? Needs no login; never throws. */
  present(): boolean;
  /** For how many seconds the token did not answer while threads wait for its signatures; 0 where none waits. Ask regularly. */
  silentSeconds(): number;
  /**
   * Logs in and finds every pinned key. Refuses with PIN-WRONG, HSM-GONE, HSM-TOKEN, HSM-KEY or another HSM code;
   * whatever it refuses, nobody is logged in then. Does not keep `pin`.
   */
  login(pin: Uint8Array): Promise<void>;
  logout(): Promise<void>;
  /**
   * Changes the user's PIN, durably; nobody is logged in on return. The PINs are the caller's to wipe. Refuses with PIN-WRONG,
   * PIN-LOCKED or another HSM code; where the token failed in the middle, only a login says which PIN holds.
   */
  changePin(oldPin: Uint8Array, newPin: Uint8Array): Promise<void>;
  /**
   * Signs each message (not its digest); signatures in CMS form, in order. Refuses with an HSM code, or LOCKED when the
   * login is lost. What it returns is unchecked.
   */
  sign(key: KeyName, suite: Suite, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
  /** Needs the login. */
  readHead(name: ObjectName): Promise<TokenHead | undefined>;
  /** Writes a head of a higher counter, durably, and only then destroys the older generation. Needs the login. */
  advanceHead(name: ObjectName, head: TokenHead): Promise<void>;
}
