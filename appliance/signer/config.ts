/** `signer.json`: where the signer's parts are and what is pinned. It holds no secret. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import {
  base64Bytes,
  hexText,
  integer,
  list,
  object,
  oneOf,
  optional,
  type Read,
  text,
  texts,
  utc,
} from "../../manifests/encoding/shape.ts";
import { mapKeys } from "../../manifests/records/key-purpose.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { attestationAt, readAttestationSetting } from "./attestation-setting.ts";

const key = object({
  uri: text(1024, { pattern: /^pkcs11:/ }),
  /** SubjectPublicKeyInfo, pinned */
  spki: base64Bytes(1024),
  /** DER or PEM files: the key's certificate, then its issuers without the root; none until they came in after genesis */
  certificates: list(text(4096), 0, 8),
});

const readConfigValue = object({
  appliance: text(64),
  arc: text(64),
  attestation: optional(readAttestationSetting),
  clock: object({ errorSeconds: integer(0), lastSet: utc, source: text(100) }),
  /** SHA-256 of the genesis policy's content */
  genesis: hexText(),
  hsm: oneOf(["software-token", "hardware", "unknown"]),
  isolation: oneOf(["none", "users", "units"]),
  keys: object({ audit: key, emergency: optional(key), sealing: key, time: optional(key) }),
  /** what documents come on, by the word of whoever set the box up: the signer sees none of it */
  media: oneOf(["folder", "mount"]),
  socket: text(4096),
  /** folder of the store */
  state: text(4096),
  token: object({ environment: texts, module: text(4096), uri: text(1024, { pattern: /^pkcs11:/ }) }),
  unlockSocket: text(4096),
});

export type SignerConfig = Read<typeof readConfigValue>;

/** Reads a configuration file; relative paths in it are taken from its folder. Refuses with CONFIG. */
export function readConfig(path: string): SignerConfig {
  try {
    return withPaths(readConfigValue(readPlainJson(readFileSync(path, "utf8")), "signer.json"), dirname(resolve(path)));
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", "the configuration cannot be read");
    throw new Refusal("CONFIG", message, { about: path, cause: fault });
  }
}

function withPaths(config: SignerConfig, folder: string): SignerConfig {
  const at = (path: string) => resolve(folder, path);
  const keyAt = (one: SignerConfig["keys"]["audit"]) => ({ ...one, certificates: one.certificates.map(at) });
  return {
    ...config,
    ...(config.attestation ? { attestation: attestationAt(config.attestation, folder) } : {}),
    keys: mapKeys(config.keys, keyAt),
    socket: at(config.socket),
    state: at(config.state),
    unlockSocket: at(config.unlockSocket),
  };
}
