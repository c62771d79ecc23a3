/** What the signer asks of its token; `main.ts` implements it over `hardware/`, tests by a fake. */

export type KeyName = "sealing" | "audit";

/** The journal's head as the token keeps it, in private data objects that only grow in `counter`. */
export interface TokenHead {
  readonly counter: number;
  /** canonical JSON of `head.ts` */
  readonly content: Uint8Array;
}

export interface Hsm {
  /** Is the pinned token there now? Needs no login; never throws. */
  present(): boolean;
  /** serial of the pinned token */
  readonly serial: string;
  /**
   * Logs in and finds both pinned keys. Refuses with PIN-WRONG, HSM-GONE, HSM-TOKEN, HSM-KEY or another HSM code;
   * whatever it refuses, nobody is logged in then. Does not keep `pin`.
   */
  login(pin: Uint8Array): Promise<void>;
  logout(): Promise<void>;
  /**
   * Signs each message (not its digest); signatures in CMS form, in order. Refuses with an HSM code; after HSM-GONE the
   * login is lost. What it returns is unchecked.
   */
  sign(key: KeyName, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
  /** The head of the highest counter, or nothing. Needs the login. */
  readHead(): Promise<TokenHead | undefined>;
  /** Writes a head of a higher counter and only then destroys the older generation. */
  advanceHead(head: TokenHead): Promise<void>;
}
