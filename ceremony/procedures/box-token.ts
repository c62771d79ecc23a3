/** The box's token in a ceremony: its PIN is random, and in memory only for as long as it is needed. */

import { randomInt } from "node:crypto";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import type { Suite } from "../../manifests/cms/suite.ts";
import { suiteForKey } from "../../manifests/cms/suite-for-key.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { TokenPlace } from "../tokens/token-job.ts";
import { type TokenKey, type TokenProcess, tokenProcess } from "../tokens/token-process.ts";

/** Letters and digits that are not taken for each other: 5 bits a character. */
const unmistakable = "abcdefghijkmnpqrstuvwxyz23456789";
/** More characters than this add nothing: 320 bits. */
const longestPin = 64;

/** A random PIN as long as the token allows, UTF-8; the caller wipes it. */
export function randomPin(longest: number): Uint8Array {
  const pin = new Uint8Array(Math.min(longest, longestPin));
  const alphabet = utf8(unmistakable);
  for (let at = 0; at < pin.length; at++) pin[at] = alphabet[randomInt(alphabet.length)] as number;
  return pin;
}

/** Work on the box's token, in its process; nobody is logged in afterwards. Refuses what `work` refuses. */
export async function withBoxToken<T>(place: TokenPlace, work: (token: TokenProcess) => Promise<T>): Promise<T> {
  const token = tokenProcess(place);
  try {
    return await work(token);
  } finally {
    await token.close();
  }
}

/** A key of the box that signs with the PIN, as CMS wants it. */
export function boxSigner(
  token: TokenProcess,
  uri: string,
  pin: Uint8Array,
  key: TokenKey,
): Pick<SigningKey, "sign"> & { readonly suite: Suite } {
  const suite = suiteForKey(key.spki, "sha256");
  return { suite, sign: (message) => token.sign(uri, pin, key, suite, message) };
}
