/** A key from a passphrase (scrypt, RFC 7914): one place for what a guess costs, and for how much memory a file may ask for. */

import { scrypt } from "node:crypto";
import { promisify } from "node:util";
import { Refusal, type RefusalCode } from "../manifests/refusal.ts";

export interface ScryptCost {
  readonly N: number;
  readonly p: number;
  readonly r: number;
}

/** 128 MiB and about half a second: what one guess costs. */
export const scryptCost = { N: 1 << 17, p: 1, r: 8 } as const satisfies ScryptCost;

const mostMemory = 1 << 30;
const scryptKey = promisify<Uint8Array, Uint8Array, number, object, Buffer>(scrypt);

/** 32 bytes, the caller's to wipe, as the passphrase is. Refuses with `code` and `message` a cost that scrypt does not know, or that takes more than 1 GiB. */
export async function passphraseKey(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { N, p, r }: ScryptCost,
  [code, message]: readonly [RefusalCode, string],
): Promise<Buffer> {
  const maxmem = Math.min(mostMemory, 128 * r * (N + p + 2) + (1 << 20));
  try {
    return await scryptKey(passphrase, salt, 32, { N, p, r, maxmem });
  } catch (cause) {
    throw new Refusal(code, message, {
      expected: "N a power of two, in 1 GiB of memory",
      got: `N ${N}, r ${r}, p ${p}`,
      cause,
    });
  }
}
