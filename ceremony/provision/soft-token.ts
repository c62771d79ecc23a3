/** A SoftHSM token folder with a configuration of its own and random PINs, made and filled with keys. */

import { randomInt } from "node:crypto";
import { join } from "node:path";
import { writeSecret } from "./layout.ts";
import { type KeyKind, type MadeToken, makeToken } from "./token-jobs.ts";

export interface SoftToken extends MadeToken {
  readonly pin: string;
}

/**
 * Makes `folder/softhsm2.conf`, `folder/tokens`, `folder/pin` and `folder/so-pin` and a token with the keys. `digits`
 * makes a PIN that a person can type. Refuses with HSM-* codes and STORE.
 */
export async function makeSoftToken(
  folder: string,
  label: string,
  keys: readonly { readonly label: string; readonly kind: KeyKind }[],
  pinForm: "digits" | "long",
): Promise<SoftToken> {
  const pin = pinForm === "digits" ? randomText("0123456789", 8) : randomText(unmistakable, 26);
  const soPin = randomText(unmistakable, 26);
  await writeSecret(join(folder, "pin"), pin);
  await writeSecret(join(folder, "so-pin"), soPin);
  return { ...(await makeToken({ folder, label, soPin, pin, keys })), pin };
}

/** Letters and digits that are not taken for each other: 5 bits a character. */
const unmistakable = "abcdefghijkmnpqrstuvwxyz23456789";

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
}
