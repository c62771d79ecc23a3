/** SoftHSM tokens of a test file: each in a temporary folder of its own, with random PINs. */

import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GeneratedKey, generateKeys, type NewKey } from "../../hardware/generate.ts";
import { initializeToken } from "../../hardware/initialize.ts";
import type { TokenConfig } from "../../hardware/module.ts";
import { makeSoftHsmFolder, type SoftHsmFolder } from "../../hardware/softhsm.ts";
import { openToken, type Token } from "../../hardware/token.ts";

export interface SoftToken {
  readonly folder: string;
  /** SoftHSM's files */
  readonly tokens: string;
  readonly place: SoftHsmFolder;
  readonly config: TokenConfig;
  readonly serial: string;
  readonly pin: Uint8Array;
  readonly soPin: Uint8Array;
  readonly keys: readonly GeneratedKey[];
  remove(): void;
}

export async function makeSoftToken(label: string, keys: readonly NewKey[] = []): Promise<SoftToken> {
  const folder = await mkdtemp(join(tmpdir(), "coldseal-token-"));
  const place = await makeSoftHsmFolder(folder);
  const pin = randomPin(12);
  const soPin = randomPin(26);
  const { serial, uri } = await initializeToken(place, { label, soPin, pin });
  const config = { ...place, uri };
  const generated = keys.length === 0 ? [] : await generateKeys(config, pin, keys);
  return {
    folder,
    tokens: join(folder, "tokens"),
    place,
    config,
    serial,
    pin,
    soPin,
    keys: generated,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs `work` with the token opened, and logged in unless told otherwise; closes it afterwards. */
export async function withToken<T>(
  soft: SoftToken,
  work: (token: Token) => Promise<T>,
  options: { readonly login?: boolean } = {},
): Promise<T> {
  const token = await openToken(soft.config);
  try {
    if (options.login !== false) await token.login(soft.pin);
    return await work(token);
  } finally {
    await token.close();
  }
}

/** The key of a label that the token was made with. */
export function keyOf(soft: SoftToken, label: string): GeneratedKey {
  const key = soft.keys.find((one) => one.label === label);
  if (!key) throw new Error(`no key ${label}`);
  return key;
}

const alphabet = "abcdefghijkmnpqrstuvwxyz23456789";

function randomPin(length: number): Uint8Array {
  return Uint8Array.from({ length }, () => alphabet.charCodeAt(randomInt(alphabet.length)));
}
