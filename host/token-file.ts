/** A person's token and one key on it, described by a file (docs/operations.md, "A token's configuration"). No secret is in it. */

import { dirname, resolve } from "node:path";
import { fromUtf8 } from "../manifests/encoding/bytes.ts";
import { readPlainJson } from "../manifests/encoding/plain-json.ts";
import { object, optional, type Read, text, texts } from "../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import { faultWords } from "./fault-words.ts";
import { readNamed } from "./named-file.ts";

const largest = 1 << 20;

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
    const settings = readSettings(readPlainJson(fromUtf8(readNamed(file, largest))), "token");
    return { ...settings, certificate: resolve(dirname(file), settings.certificate) };
  } catch (fault) {
    const { expected, got, message } = asRefusal(fault, "CONFIG", faultWords(fault));
    const detail = { ...(expected ? { expected } : {}), ...(got ? { got } : {}), about: file, cause: fault };
    throw new Refusal("CONFIG", `the token's file cannot be used: ${message}`, detail);
  }
}
