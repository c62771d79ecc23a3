/** A SoftHSM token folder with a configuration of its own and random PINs, made and filled with keys. */

import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Refusal } from "../../manifests/refusal.ts";
import { writeSecret } from "./layout.ts";
import { type KeyKind, type MadeToken, makeToken, type TokenPlace } from "./token-jobs.ts";

export interface SoftToken extends MadeToken {
  readonly place: TokenPlace;
  readonly pin: string;
}

/** Where Debian's package puts the module, and where the set-up script unpacks it when it is not root. */
const modules = [
  process.env.COLDSEAL_SOFTHSM,
  "/usr/lib/softhsm/libsofthsm2.so",
  "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
  "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
  fileURLToPath(new URL("../../.cache/softhsm/usr/lib/softhsm/libsofthsm2.so", import.meta.url)),
];

/** The SoftHSM 2 module of this machine. Refuses with HSM-MODULE. */
export function softHsmModule(): string {
  const found = modules.find((path) => path !== undefined && existsSync(path));
  if (found) return found;
  throw new Refusal("HSM-MODULE", "SoftHSM 2 is not installed", {
    expected: "libsofthsm2.so (Debian package libsofthsm2), or its path in COLDSEAL_SOFTHSM",
    got: "no such file",
  });
}

/**
 * Makes `folder/softhsm2.conf`, `folder/tokens`, `folder/pin` and `folder/so-pin` and a token with the keys.
 * `digits` makes a PIN that a person can type.
 */
export async function makeSoftToken(
  folder: string,
  label: string,
  keys: readonly { readonly label: string; readonly kind: KeyKind }[],
  pinForm: "digits" | "long",
): Promise<SoftToken> {
  const tokens = join(folder, "tokens");
  const configuration = join(folder, "softhsm2.conf");
  await mkdir(tokens, { mode: 0o700 });
  await writeFile(configuration, configurationText(tokens), { flag: "wx" });
  const pin = pinForm === "digits" ? randomText("0123456789", 8) : randomText(unmistakable, 26);
  const soPin = randomText(unmistakable, 26);
  await writeSecret(join(folder, "pin"), pin);
  await writeSecret(join(folder, "so-pin"), soPin);
  const place = { module: softHsmModule(), environment: { SOFTHSM2_CONF: configuration } };
  return { ...(await makeToken(place, { label, soPin, pin, keys })), place, pin };
}

/** Letters and digits that are not taken for each other: 5 bits a character. */
const unmistakable = "abcdefghijkmnpqrstuvwxyz23456789";

function randomText(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
}

function configurationText(tokens: string): string {
  return [`directories.tokendir = ${tokens}`, "objectstore.backend = file", "log.level = ERROR", ""].join("\n");
}
