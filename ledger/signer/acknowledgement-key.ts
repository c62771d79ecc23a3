/** Signing acknowledgements: the key signs signed attributes that were composed here, of an acknowledgement's type, and nothing else. */

import { constants, type KeyObject, sign } from "node:crypto";
import type { Suite } from "../../manifests/cms/suite.ts";

/** A signature in CMS form: RSA octets, or DER SEQUENCE { r, s }. */
export function signInCms(key: KeyObject, suite: Suite, message: Uint8Array): Uint8Array {
  const padding = suite.scheme === "rsa-pkcs1" ? { padding: constants.RSA_PKCS1_PADDING } : {};
  return new Uint8Array(sign(suite.hash, message, { key, dsaEncoding: "der", ...padding }));
}
