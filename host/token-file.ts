/** A person's token and one key on it, described by a file (docs/operations.md, "A token's configuration"). No secret is in it. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readPlainJson } from "../manifests/encoding/plain-json.ts";
import { object, optional, type Read, text, texts } from "../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";

const readSettings = object({
  certificate: text(4096),
  environment: optional(texts),
  key: object({ uri: text(1024) }),
  module: text(4096),
  uri: text(1024),
});

export type TokenSettings = Read<typeof readSettings>;

/** The certificate's path is relative to the file's folder. Refuses with CONFIG. */
export function readTokenFile(file: string): TokenSettings {
  try {
    const settings = readSettings(readPlainJson(readFileSync(file, "utf8")), "token");
    return { ...settings, certificate: resolve(dirname(file), settings.certificate) };
  } catch (fault) {
    const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "cannot be read");
    throw new Refusal("CONFIG", `the token's file cannot be used: ${why.message}`, { about: file, cause: fault });
  }
}
