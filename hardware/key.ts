/** The one private key that a URI names, held against the public key that was pinned. */

import pkcs11js from "pkcs11js";
import { sha256 } from "../host/crypto-host.ts";
import { equal, hex } from "../manifests/encoding/bytes.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type Attributes, findObjects, flag, type Session } from "./objects.ts";
import { readSpki } from "./public-key.ts";
import { type Pkcs11Uri, readPkcs11Uri } from "./uri.ts";

/** What is wanted: `uri` with `id` and `object` (the label), `spki` the pinned SubjectPublicKeyInfo in DER. */
export interface PinnedKey {
  readonly uri: string;
  readonly spki: Uint8Array;
}

/** A private key of a token. The handle is valid under the login in which it was found only. */
export interface TokenKey {
  readonly handle: pkcs11js.Handle;
  readonly spki: Uint8Array;
}

/**
 * Finds the key. Refuses with HSM-KEY unless exactly one private key has the id and label of the URI, its public key is
 * known and equals the pinned one, and the token does not say that it could be extracted; with CONFIG a URI without id.
 * HSM-UNSUPPORTED: a key that wants the PIN again for each signature.
 */
export function findPinnedKey(session: Session, wanted: PinnedKey): TokenKey {
  const uri = readPkcs11Uri(wanted.uri);
  const template = templateOf(uri, wanted.uri);
  const handle = exactlyOne(
    session,
    [...template, { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }],
    wanted,
  );
  checkProtection(session, handle, wanted.uri);
  const spki = spkiOf(session, handle, template, wanted);
  if (!equal(spki, wanted.spki)) {
    throw new Refusal("HSM-KEY", "the token's key is not the pinned one", {
      expected: `public key ${fingerprint(wanted.spki)}`,
      got: `public key ${fingerprint(spki)}`,
      about: wanted.uri,
    });
  }
  return { handle, spki };
}

/** First 8 bytes of the SHA-256 of a SubjectPublicKeyInfo, for people. */
function fingerprint(spki: Uint8Array): string {
  return `${hex(sha256(spki).subarray(0, 8))}…`;
}

function templateOf(uri: Pkcs11Uri, text: string): Attributes {
  if (!uri.id?.length) throw new Refusal("CONFIG", "the key's URI has no id", { about: text });
  if (uri.type !== undefined && uri.type !== "private") {
    throw new Refusal("CONFIG", "the key's URI is not of a private key", { got: uri.type, about: text });
  }
  if (uri.vendor) throw new Refusal("CONFIG", "the key's URI has an unknown attribute", { about: text });
  const id = { type: pkcs11js.CKA_ID, value: Buffer.from(uri.id) };
  return uri.object === undefined ? [id] : [id, { type: pkcs11js.CKA_LABEL, value: uri.object }];
}

function exactlyOne(session: Session, template: Attributes, wanted: PinnedKey): pkcs11js.Handle {
  const found = findObjects(session, template);
  const [handle] = found;
  if (handle && found.length === 1) return handle;
  throw new Refusal("HSM-KEY", "expected exactly one private key of this id and label on the token", {
    expected: wanted.uri,
    got: `${found.length} keys`,
    about: wanted.uri,
  });
}

function checkProtection(session: Session, key: pkcs11js.Handle, uri: string): void {
  const open = flag(session, key, pkcs11js.CKA_EXTRACTABLE) === true;
  const readable = flag(session, key, pkcs11js.CKA_SENSITIVE) === false;
  if (open || readable) {
    const got = open ? "an extractable key" : "a key that is not sensitive";
    throw new Refusal("HSM-KEY", "the key could leave its token", {
      expected: "a non-extractable key",
      got,
      about: uri,
    });
  }
  if (flag(session, key, pkcs11js.CKA_ALWAYS_AUTHENTICATE)) {
    throw new Refusal("HSM-UNSUPPORTED", "the key wants the PIN again for each signature", { about: uri });
  }
}

/** From the private key where it shows it (RSA), else from its public key object. */
function spkiOf(session: Session, key: pkcs11js.Handle, template: Attributes, wanted: PinnedKey): Uint8Array {
  const own = readSpki(session, key);
  if (own) return own;
  const publicKeys = findObjects(session, [...template, { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY }]);
  const [handle] = publicKeys;
  const spki = handle && publicKeys.length === 1 ? readSpki(session, handle) : undefined;
  if (spki) return spki;
  throw new Refusal("HSM-KEY", "the key's public key is not on the token, or of an unknown kind", {
    expected: "exactly one public key of this id and label",
    got: `${publicKeys.length} keys`,
    about: wanted.uri,
  });
}
