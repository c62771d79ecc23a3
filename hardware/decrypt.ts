/** One C_Decrypt: what was encrypted to the certificate of a token's pinned RSA key. */

import pkcs11js from "pkcs11js";
import { findPinnedKey, type PinnedKey } from "./key.ts";
import type { Token } from "./token.ts";

/**
 * RSAES-PKCS1-v1_5 (RFC 8017 7.2.2), the key transport of CMS (RFC 3370 4.2.1): the octets that were encrypted; the caller wipes them.
 * Refuses as `findPinnedKey`, HSM-UNSUPPORTED a key that may not decrypt, HSM-FAULT what was not encrypted to it.
 */
export function decryptByKey(token: Token, wanted: PinnedKey, ciphertext: Uint8Array): Promise<Uint8Array> {
  return token.withSession((session) => {
    const { library, handle } = session;
    const key = findPinnedKey(session, wanted);
    library.C_DecryptInit(handle, { mechanism: pkcs11js.CKM_RSA_PKCS }, key.handle);
    return library.C_Decrypt(handle, Buffer.from(ciphertext), Buffer.alloc(ciphertext.length));
  });
}
