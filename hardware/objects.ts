/** Finding objects in a session and reading their attributes; the only place that knows how pkcs11js lays them out. */

import { endianness } from "node:os";
import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { returnValue } from "./faults.ts";

/** A session of a token, borrowed by `Token.withSession`; of no use after the callback. */
export interface Session {
  readonly library: pkcs11js.PKCS11;
  readonly slot: pkcs11js.Handle;
  readonly handle: pkcs11js.Handle;
  /** shared memory: the first is 1 as soon as the login is to end, so that a long use stops early; the second counts signatures, so that a token that hangs is noticed */
  readonly over: Int32Array<SharedArrayBuffer>;
}

/** A signature came from the token. */
export function countSignature(over: Int32Array): void {
  Atomics.add(over, 1, 1);
}

/** So many came in this login. */
export function signaturesOf(over: Int32Array): number {
  return Atomics.load(over, 1);
}

/** Refuses with LOCKED when the login is to end. */
export function checkNotOver(over: Int32Array): void {
  if (Atomics.load(over, 0) !== 0) throw new Refusal("LOCKED", "the token's login is gone");
}

export type Attributes = pkcs11js.Template;

/** How many handles one C_FindObjects call may give. */
const handlesAtOnce = 64;

/** Handles of all objects that match. Objects that are private show only after a login. */
export function findObjects(session: Session, template: Attributes): readonly pkcs11js.Handle[] {
  const { library, handle } = session;
  const found: pkcs11js.Handle[] = [];
  library.C_FindObjectsInit(handle, template);
  try {
    for (;;) {
      const some = library.C_FindObjects(handle, handlesAtOnce);
      if (some.length === 0) return found;
      found.push(...some);
    }
  } finally {
    library.C_FindObjectsFinal(handle);
  }
}

/**
 * What a token answers where an object has no such attribute or does not show it. CKR_ATTRIBUTE_VALUE_INVALID is none of this call's by PKCS#11: SoftHSM gives it of an
 * object whose file a killed process left half written.
 */
const withoutAttribute = ["CKR_ATTRIBUTE_TYPE_INVALID", "CKR_ATTRIBUTE_SENSITIVE", "CKR_ATTRIBUTE_VALUE_INVALID"];

/** The bytes of an attribute; undefined where the object has none or does not show it. */
export function attribute(session: Session, object: pkcs11js.Handle, type: number): Uint8Array | undefined {
  try {
    const [read] = session.library.C_GetAttributeValue(session.handle, object, [{ type }]);
    return read && Buffer.isBuffer(read.value) ? new Uint8Array(read.value) : undefined;
  } catch (error) {
    if (withoutAttribute.includes(returnValue(error)?.name ?? "")) return undefined;
    throw error;
  }
}

/** A CK_BBOOL attribute. */
export function flag(session: Session, object: pkcs11js.Handle, type: number): boolean | undefined {
  const bytes = attribute(session, object, type);
  return bytes?.length === 1 ? bytes[0] !== 0 : undefined;
}

/** A CK_ULONG attribute, in the byte order and width of this machine. */
export function number(session: Session, object: pkcs11js.Handle, type: number): number | undefined {
  const bytes = attribute(session, object, type);
  if (bytes?.length !== 8 && bytes?.length !== 4) return undefined;
  const ordered = endianness() === "LE" ? bytes.toReversed() : bytes;
  return ordered.reduce((value, byte) => value * 256 + byte, 0);
}

/** CKA_LABEL as text. */
export function label(session: Session, object: pkcs11js.Handle): string | undefined {
  const bytes = attribute(session, object, pkcs11js.CKA_LABEL);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}
