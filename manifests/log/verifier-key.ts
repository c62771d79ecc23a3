/** Verifier keys (c2sp.org/signed-note@v1.0.0, "Verifier keys"): `name+id+base64(type || key)`, which are what a reader pins. */

import { base64, concat, fromBase64, hex, utf8 } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { checkEd25519Point } from "./ed25519-point.ts";

/** Ed25519 over the text, as logs sign; or over text and time, as witnesses do (c2sp.org/tlog-cosignature). */
export type KeyType = "ed25519" | "cosignature/v1";

export interface VerifierKey {
  readonly name: string;
  /** first four bytes of SHA-256(name || LF || type || key), lower-case hex */
  readonly id: string;
  readonly type: KeyType;
  /** the point, 32 bytes (RFC 8032) */
  readonly key: Uint8Array;
}

const typeBytes: Readonly<Record<KeyType, number>> = { ed25519: 0x01, "cosignature/v1": 0x04 };

const mostName = 255;

/**
 * Reads a key, which must be of `type`. Refuses LOG-NOTE another form or type, an ID that is not the key's, and points that must not be pinned
 * (ed25519-point.ts).
 */
export async function readVerifierKey(host: Host, text: string, type: KeyType): Promise<VerifierKey> {
  const [, name, id, encoded] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) throw formRefusal();
  checkKeyName(name);
  const bytes = keyBytes(encoded);
  if (bytes[0] !== typeBytes[type]) {
    throw new Refusal("LOG-NOTE", "a verifier key is of another type", {
      expected: `${type} (0x0${typeBytes[type]})`,
      got: `0x${hex(bytes.subarray(0, 1))}`,
    });
  }
  const key = await verifierKey(host, name, type, bytes.slice(1));
  if (key.id === id) return key;
  throw new Refusal("LOG-NOTE", "a verifier key's ID is not that of its name and key", { expected: key.id, got: id });
}

/** A key from its parts. Refuses LOG-NOTE a name that is none and points that must not be pinned. */
export async function verifierKey(host: Host, name: string, type: KeyType, key: Uint8Array): Promise<VerifierKey> {
  checkKeyName(name);
  checkEd25519Point(key);
  const digest = await host.digest("sha256", concat([utf8(`${name}\n`), Uint8Array.of(typeBytes[type]), key]));
  return { name, id: hex(digest.subarray(0, 4)), type, key };
}

/** As `readVerifierKey` reads it. */
export function verifierKeyText({ id, key, name, type }: VerifierKey): string {
  return `${name}+${id}+${base64(concat([Uint8Array.of(typeBytes[type]), key]))}`;
}

/** Refuses LOG-NOTE a key's name that is empty, over 255 bytes, or holds a space of any kind, a plus or a control character. */
export function checkKeyName(name: string): void {
  const fits = name !== "" && name.isWellFormed() && utf8(name).length <= mostName;
  if (fits && !/[\p{White_Space}\p{Cc}+]/u.test(name)) return;
  throw new Refusal("LOG-NOTE", "a key's name is empty, too long, or holds a space or a plus");
}

function keyBytes(encoded: string): Uint8Array {
  if (encoded.length > 64) throw formRefusal();
  try {
    return fromBase64(encoded);
  } catch {
    throw formRefusal();
  }
}

function formRefusal(): Refusal {
  return new Refusal("LOG-NOTE", "no verifier key", { expected: "name+id+base64" });
}
