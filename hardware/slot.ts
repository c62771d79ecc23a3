/** Finding the slot of the token that is pinned by serial, among whatever a module shows. */

import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { returnValue } from "./faults.ts";
import { type Pkcs11Uri, readPkcs11Uri } from "./uri.ts";

/** What a token says of itself, without padding. */
export interface TokenInfo {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** CK_TOKEN_INFO flags */
  readonly flags: number;
}

export interface PinnedToken {
  /** as configured */
  readonly text: string;
  readonly uri: Pkcs11Uri;
  readonly serial: string;
}

export interface FoundToken extends TokenInfo {
  readonly slot: pkcs11js.Handle;
}

/** Reads a token's URI. Refuses with CONFIG unless it names a serial, and where it names what no token has. */
export function readTokenUri(text: string): PinnedToken {
  const uri = readPkcs11Uri(text);
  if (!uri.serial) throw new Refusal("CONFIG", "the token's URI has no serial", { got: text });
  if (uri.vendor) throw new Refusal("CONFIG", "the token's URI has an unknown attribute", { got: text });
  return { text, uri, serial: uri.serial };
}

/** The initialised tokens that are there now. One that cannot be asked is left out. */
export function listTokens(library: pkcs11js.PKCS11): readonly FoundToken[] {
  return library.C_GetSlotList(true).flatMap((slot) => {
    const info = readTokenInfo(library, slot);
    return info && (info.flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0 ? [{ ...info, slot }] : [];
  });
}

/** What the token in a slot says; undefined when it does not answer. */
export function readTokenInfo(library: pkcs11js.PKCS11, slot: pkcs11js.Handle): TokenInfo | undefined {
  try {
    const info = library.C_GetTokenInfo(slot);
    return {
      label: unpadded(info.label),
      manufacturer: unpadded(info.manufacturerID),
      model: unpadded(info.model),
      serial: unpadded(info.serialNumber),
      flags: info.flags,
    };
  } catch (error) {
    if (returnValue(error)) return undefined;
    throw error;
  }
}

/** The pinned token. Refuses with HSM-GONE when no token is there, HSM-TOKEN (expected, got) when others are, or it is not alone. */
export function findToken(library: pkcs11js.PKCS11, pinned: PinnedToken): FoundToken {
  const there = listTokens(library);
  const [token, another] = there.filter((one) => isPinned(one, pinned.uri));
  if (token && !another) return token;
  if (there.length === 0) {
    throw new Refusal("HSM-GONE", "the token is not there", { expected: pinned.text, got: "no token" });
  }
  const what = token ? "two tokens of one serial are there" : "the token that is there is not the pinned one";
  throw new Refusal("HSM-TOKEN", what, { expected: pinned.text, got: there.map(named).join(", ") });
}

/** A slot whose token is not initialised yet, and how long its user's PIN may be, in bytes. */
export interface EmptySlot {
  readonly slot: pkcs11js.Handle;
  readonly limits: PinLimits;
}

/** By the word of a token (C_GetTokenInfo), in bytes. */
export interface PinLimits {
  readonly shortest: number;
  readonly longest: number;
}

/** The first slot with a token that is not initialised. Refuses with HSM-TOKEN when there is none; return values of the token pass. */
export function findEmptySlot(library: pkcs11js.PKCS11): EmptySlot {
  for (const slot of library.C_GetSlotList(true)) {
    const { flags, minPinLen, maxPinLen } = library.C_GetTokenInfo(slot);
    if ((flags & pkcs11js.CKF_TOKEN_INITIALIZED) === 0) {
      return { slot, limits: { shortest: minPinLen, longest: maxPinLen } };
    }
  }
  throw new Refusal("HSM-TOKEN", "no slot holds a token that is not initialised", { expected: "an empty token" });
}

/** Whether a token is the one that a URI means; attributes that are not in the URI do not count (RFC 7512 2.4). */
export function isPinned(token: TokenInfo, uri: Pkcs11Uri): boolean {
  return (
    token.serial === uri.serial &&
    (uri.token ?? token.label) === token.label &&
    (uri.manufacturer ?? token.manufacturer) === token.manufacturer &&
    (uri.model ?? token.model) === token.model
  );
}

function named(token: TokenInfo): string {
  return `${token.label} (serial ${token.serial})`;
}

/** Fixed fields are padded with blanks, in some modules with NUL. */
function unpadded(text: string): string {
  return text.replace(/[\0 ]+$/, "");
}
