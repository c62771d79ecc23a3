/** `witnesses.json` in a ledger's folder, which people edit: the witnesses that are asked to cosign, and how many must. Without it there are none, which every status says. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { faultWords } from "../../host/fault-words.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { integer, list, literal, object, oneOf, type Read, text } from "../../manifests/encoding/shape.ts";
import { checkLogTrust, type LogTrust } from "../../manifests/log/checkpoint.ts";
import { readVerifierKey, type VerifierKey } from "../../manifests/log/verifier-key.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { logKeyOf } from "../client/open-signer.ts";

const readSettingsShape = object({
  /** of so many distinct witnesses; without them nothing is published */
  cosignatures: integer(0, 64),
  type: literal("ledger-witnesses"),
  version: literal(1),
  witnesses: list(
    object({
      /** who runs it: what the ledger's own people run says little about them */
      by: oneOf(["ourselves", "others"]),
      url: text(2048, { pattern: /^https?:\/\/[^\s]+$/ }),
      vkey: text(512),
    }),
    0,
    64,
  ),
});

export interface AskedWitness {
  readonly by: Read<typeof readSettingsShape>["witnesses"][number]["by"];
  /** without a slash at its end */
  readonly url: string;
  readonly key: VerifierKey;
  readonly vkey: string;
}

export interface WitnessSettings {
  readonly cosignatures: number;
  readonly witnesses: readonly AskedWitness[];
}

/** Refuses CONFIG a file that cannot be read, witnesses that are named twice, or are fewer than must cosign. */
export async function readWitnessSettings(ledger: string, log: VerifierKey): Promise<WitnessSettings> {
  const path = join(ledger, "witnesses.json");
  try {
    const read = readSettingsShape(readPlainJson(readFileSync(path, "utf8")), "witnesses.json");
    const witnesses = await Promise.all(
      read.witnesses.map(async ({ by, url, vkey }) => {
        const key = await readVerifierKey(nodeHost, vkey, "cosignature/v1");
        return { by, url: url.replace(/\/+$/, ""), key, vkey };
      }),
    );
    const settings = { cosignatures: read.cosignatures, witnesses };
    checkLogTrust(trustOf({ log, settings }));
    return settings;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return { cosignatures: 0, witnesses: [] };
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", `witnesses.json cannot be used: ${message}`, { about: path, cause: fault });
  }
}

/** What a ledger's own checkpoints are signed and cosigned by. */
export interface OwnLog {
  readonly log: VerifierKey;
  readonly settings: WitnessSettings;
}

/** Refuses CONFIG, LOG-NOTE. */
export async function ownLog(ledger: string): Promise<OwnLog> {
  const log = await logKeyOf(ledger);
  return { log, settings: await readWitnessSettings(ledger, log) };
}

export function trustOf({ log, settings: { cosignatures, witnesses } }: OwnLog): LogTrust {
  return { log, witnesses: witnesses.map(({ key }) => key), cosignatures };
}
