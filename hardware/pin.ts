/** PINs as bytes that their owner can wipe. */

import { readSecret } from "../host/terminal/secret-descriptor.ts";
import { fromUtf8 } from "../manifests/encoding/bytes.ts";
import { Refusal } from "../manifests/refusal.ts";

/** PKCS#11 keeps lengths of PINs in tokens' limits; no token here takes more. */
const longest = 256;

/**
 * Reads a PIN of at most 256 bytes from a descriptor, up to a line end or the end of the file, and closes it. The
 * caller wipes the bytes; what was read them into is wiped here. Refuses with SECRET.
 */
export function readPinFromDescriptor(descriptor: number): Uint8Array {
  const pin = readSecret(descriptor);
  if (pin.length <= longest) return pin;
  pin.fill(0);
  throw new Refusal("SECRET", `descriptor ${descriptor} gave no PIN`, {
    expected: `at most ${longest} bytes`,
    got: "more",
  });
}

/**
 * Calls `use` with the PIN as the string that pkcs11js asks for. A string cannot be wiped: it lives from here to the next
 * garbage collection, and the library makes one more copy (SECURITY.md says so). Refuses with PIN-WRONG an empty PIN,
 * which would mean another way of logging in (PKCS#11 5.6.8), and one that is not UTF-8.
 */
export function withPinText<T>(pin: Uint8Array, use: (text: string) => T): T {
  if (pin.length === 0) throw new Refusal("PIN-WRONG", "the PIN is empty");
  return use(pinText(pin));
}

function pinText(pin: Uint8Array): string {
  try {
    return fromUtf8(pin);
  } catch {
    throw new Refusal("PIN-WRONG", "the PIN is not UTF-8 text");
  }
}
