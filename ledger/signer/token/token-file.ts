/**
 * `token.json` beside a signer's keys.json: where the module is, what environment it needs, and which token is meant, pinned by its serial (RFC 7512). People edit it where a
 * module moved, or where the same keys are on another token now. No secret is in it, and which keys count is said by keys.json alone.
 */

import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { TokenConfig } from "../../../hardware/module.ts";
import { readTokenUri } from "../../../hardware/slot.ts";
import { faultWords } from "../../../host/fault-words.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { readPlainJson } from "../../../manifests/encoding/plain-json.ts";
import { literal, object, text, texts } from "../../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";

const readShape = object({
  environment: texts,
  module: text(4096),
  type: literal("ledger-token"),
  uri: text(1024),
  version: literal(1),
});

export interface LedgerToken extends TokenConfig {
  readonly environment: Readonly<Record<string, string>>;
}

export const tokenFile = (folder: string) => join(folder, "token.json");

export function tokenFileBytes({ environment, module, uri }: LedgerToken): Uint8Array {
  const members = { environment, module, type: "ledger-token", uri, version: 1 };
  return utf8(`${JSON.stringify(members, undefined, 2)}\n`);
}

/** Reads a signer's `token.json`. Refuses CONFIG, also a URI without serial, and SECRET a PIN in it. */
export function readLedgerToken(folder: string): LedgerToken {
  const path = tokenFile(folder);
  try {
    const { environment, module, uri } = readShape(readPlainJson(readFileSync(path, "utf8")), "token.json");
    return checkedToken({ environment, module, uri });
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "SECRET") throw fault;
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", `the signer's token.json cannot be used: ${message}`, {
      expected: "module, environment, and a URI with the token's serial (docs/formats.md)",
      about: path,
      cause: fault,
    });
  }
}

/** Refuses CONFIG a URI that pins no token, and a module that is not named from the root. */
export function checkedToken(token: LedgerToken): LedgerToken {
  readTokenUri(token.uri);
  if (isAbsolute(token.module)) return token;
  throw new Refusal("CONFIG", "the token's module is not named from the root", {
    expected: "an absolute path",
    got: token.module,
  });
}
