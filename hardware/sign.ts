/**
 * Signatures by a token's one pinned key. What comes back is checked for its length (`sign-one.ts`), and verified by whoever
 * relies on it.
 */

import { setImmediate } from "node:timers/promises";
import { checkKey } from "../manifests/cms/algorithm.ts";
import type { Suite } from "../manifests/cms/suite.ts";
import { findPinnedKey, type PinnedKey, type TokenKey } from "./key.ts";
import type { Session } from "./objects.ts";
import { type SignCrew, shares } from "./sign-crew.ts";
import { type SignPlace, signOne } from "./sign-one.ts";
import type { Token } from "./token.ts";

export interface SuitedKey extends PinnedKey {
  readonly suite: Suite;
}

export interface TokenSigner {
  readonly suite: Suite;
  /** Signs a message (not its digest); answers in CMS form (RSA: the octets; ECDSA: DER SEQUENCE { r, s }). */
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** Signs each message, answers in order; lets other work run in between. */
  signMany(messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

/** Longest time that signing in this thread keeps everything else waiting, in milliseconds. */
const turn = 20;
/** So few messages are signed sooner than they are sent to another thread. */
const few = 4;

/**
 * A signer of the one key that is pinned; with a crew many messages are signed by its threads, each in a session of its own.
 * Nothing is asked of the token before the first signature. Signing refuses with LOCKED, HSM-GONE, HSM-KEY (see
 * `findPinnedKey`), HSM-SIGNATURE (a signature of a wrong length), HSM-UNSUPPORTED or HSM-FAULT. When a session dies in
 * the middle, the same messages are signed again in another one, once.
 */
export function tokenSigner(token: Token, key: SuitedKey, crew?: SignCrew): TokenSigner {
  let found: { readonly key: TokenKey; readonly epoch: number } | undefined;
  const length = signatureBytes(key);
  const placeIn = (session: Session): SignPlace => {
    if (found?.epoch !== token.epoch) found = { key: findPinnedKey(session, key), epoch: token.epoch };
    return { session: session.handle, key: found.key.handle, suite: key.suite, length, over: session.over };
  };
  const signIn = (session: Session, messages: readonly Uint8Array[]) =>
    crew && messages.length > few
      ? crew.sign(placeIn(session), messages)
      : signHere(session, () => placeIn(session), messages);
  const signShare = (messages: readonly Uint8Array[]) =>
    token.withSession(
      async (session) => {
        try {
          return await signIn(session, messages);
        } catch (fault) {
          found = undefined; // its handle may be what failed
          throw fault;
        }
      },
      { repeat: true },
    );
  const signMany = async (messages: readonly Uint8Array[]) => {
    const parts = crew && messages.length > few ? shares(messages, crew.size) : [messages];
    // All of them settle before the first fault is told: no session is in use then.
    const settled = await Promise.allSettled(parts.map(signShare));
    return settled.flatMap((part) => {
      if (part.status === "rejected") throw part.reason;
      return part.value;
    });
  };
  return { suite: key.suite, signMany, sign: async (message) => (await signMany([message]))[0] as Uint8Array };
}

async function signHere(
  { library }: Session,
  place: () => SignPlace,
  messages: readonly Uint8Array[],
): Promise<readonly Uint8Array[]> {
  const signatures: Uint8Array[] = [];
  let started = performance.now();
  for (const message of messages) {
    if (performance.now() - started > turn) {
      await setImmediate();
      started = performance.now();
    }
    signatures.push(signOne(library, place(), message));
  }
  return signatures;
}

/** Length of what C_Sign gives. Refuses with CMS-ALGORITHM or PATH-KEY a key that does not fit the suite. */
function signatureBytes(key: SuitedKey): number {
  const publicKey = checkKey(key.suite, key.spki, 2048);
  if (publicKey.kind === "rsa") return publicKey.modulus.length;
  return publicKey.scheme === "ecdsa-p256" ? 64 : 96;
}
