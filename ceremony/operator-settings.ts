/** `operator.json`: who uses this CLI, where the box listens, and which token and key are this person's. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readPlainJson } from "../manifests/encoding/plain-json.ts";
import { object, optional, type Read, text, texts } from "../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";

const readSettings = object({
  certificate: text(4096),
  key: object({ uri: text(1024), spki: optional(text(2048)) }),
  person: text(32, { pattern: /^[a-z][a-z0-9-]*$/ }),
  socket: text(4096),
  token: object({ environment: optional(texts), module: text(4096), serial: text(64), uri: text(1024) }),
  unlockSocket: text(4096),
});

export type OperatorSettings = Read<typeof readSettings>;

/** Name of the environment variable that names the file; the file's path is no secret. */
export const settingsVariable = "COLDSEAL_OPERATOR";

/** Reads the file; paths in it are relative to its folder. Refuses with CONFIG. */
export function readOperatorSettings(file: string | undefined): OperatorSettings {
  if (file === undefined) {
    throw new Refusal("USAGE", "it is not said who you are", {
      expected: `--as operator.json, or its path in ${settingsVariable}`,
      got: "neither",
    });
  }
  try {
    const settings = readSettings(readPlainJson(readFileSync(file, "utf8")), "operator.json");
    const here = (path: string) => resolve(dirname(file), path);
    return {
      ...settings,
      certificate: here(settings.certificate),
      socket: here(settings.socket),
      unlockSocket: here(settings.unlockSocket),
    };
  } catch (fault) {
    const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "cannot be read");
    throw new Refusal("CONFIG", `the operator's file cannot be used: ${why.message}`, { about: file, cause: fault });
  }
}
