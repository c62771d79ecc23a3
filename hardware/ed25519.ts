/**
 * Ed25519 keys (RFC 8032) of a token, by PKCS#11 v3.0 2.3, for what signs notes of a log. They are apart from the suites of CMS, none of which has them. OpenSSL's pkcs11 engine
 * (libp11 0.4.12) fails for every key of a token that holds one, so that it belongs on a token without keys of others.
 */

import { returnValue, toRefusal } from "./faults.ts";
import { findPinnedKey, type PinnedKey } from "./key.ts";
import { openModule, type TokenConfig } from "./module.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { edwards } from "./public-key.ts";
import { signRaw } from "./sign-one.ts";
import { findToken, readTokenUri } from "./slot.ts";
import type { Token } from "./token.ts";

const signatureBytes = 64;

export interface Ed25519Signer {
  /** Signs the message itself (RFC 8032 5.1.6, no digest before); 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/**
 * A signer of the one key that is pinned, which is looked for at each signature. Refuses as `tokenSigner` does; whoever relies on a signature verifies it. When a session dies
 * in the middle, the same message is signed again in another one, once: the signature is the same.
 */
export function ed25519Signer(token: Token, key: PinnedKey): Ed25519Signer {
  return {
    sign: (message) =>
      token.withSession(
        (session) => {
          const { handle } = findPinnedKey(session, key);
          const place = { session: session.handle, key: handle, length: signatureBytes, over: session.over };
          return new Uint8Array(signRaw(session.library, place, { mechanism: edwards.sign }, message));
        },
        { repeat: true },
      ),
  };
}

/** Whether the token says that it makes Ed25519 keys and signs with them. Needs no login. Refuses with the codes of `openToken`. */
export function makesEd25519(config: TokenConfig): boolean {
  const pinned = readTokenUri(config.uri);
  const module = openModule(config);
  try {
    return oneAtATime(module.place, () => {
      const { slot } = findToken(module.library, pinned);
      const known = module.library.C_GetMechanismList(slot);
      return known.includes(edwards.generate) && known.includes(edwards.sign);
    });
  } catch (fault) {
    throw toRefusal(fault, "asking what it can do");
  } finally {
    module.close();
  }
}

/** Return values by which a token says that it does not know a curve by this name (PKCS#11 v3.0 5.1.6). */
const otherName = ["CKR_ATTRIBUTE_VALUE_INVALID", "CKR_DOMAIN_PARAMS_INVALID", "CKR_TEMPLATE_INCONSISTENT"];
/** CKR_CURVE_NOT_SUPPORTED, which the binding does not name. */
const curveNotSupported = 0x140;

/** Calls `generate` with the curve's name, in each form until the token takes one. */
export function withCurveName<T>(generate: (parameters: Buffer) => T): T {
  const [first, second] = edwards.parameters;
  try {
    return generate(Buffer.from(first));
  } catch (fault) {
    const value = returnValue(fault);
    if (!value || !(otherName.includes(value.name) || value.code === curveNotSupported)) throw fault;
    return generate(Buffer.from(second));
  }
}
