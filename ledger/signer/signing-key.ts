/** A private key of the signer, wherever it is held. */

import type { KeyObject } from "node:crypto";
import type { Suite } from "../../manifests/cms/suite.ts";
import { signEd25519 } from "../keys/ed25519.ts";
import type { AskPin } from "../keys/passphrase.ts";
import { signInCms } from "./acknowledgement-key.ts";

export interface SigningKey {
  /** Signs a message (not its digest): Ed25519 as 64 bytes, keys of a suite in CMS form. Whoever gives a signature out verifies it first. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** How people come in for a token. */
export interface TokenLogin {
  readonly askPin: AskPin;
  /** The token is back after it was away, and nobody is logged in: `again` asks for the PIN once, and refuses as at the start. */
  lost?(again: () => Promise<void>): void;
}

export function noteKey(key: KeyObject): SigningKey {
  return { sign: async (message) => signEd25519(key, message) };
}

export function cmsKey(key: KeyObject, suite: Suite): SigningKey {
  return { sign: async (message) => signInCms(key, suite, message) };
}
