/**
 * Which keys are being made on a token: their ids, drawn and written into the folder that is being made before the token makes any, so that what an interrupted run left is
 * known exactly and removed by the next one. No other key is ever removed, and none of a folder that is in its place: those keys may have signed.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { destroyKeyPair } from "../../../hardware/inventory.ts";
import type { Token } from "../../../hardware/token.ts";
import { removeDurable, writeDurable } from "../../../host/durable.ts";
import { faultWords } from "../../../host/fault-words.ts";
import { fromHex, hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { hexText, list, literal, object, type Read, text } from "../../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";

const readShape = object({
  keys: list(object({ id: hexText(16), label: text(512) }), 1, 2),
  /** the token's */
  serial: text(64),
  type: literal("ledger-keys-making"),
  version: literal(1),
});
type Making = Read<typeof readShape>;

const makingFile = (folder: string) => join(folder, "making.json");

/** Durable on return. */
export async function noteMaking(
  folder: string,
  serial: string,
  keys: readonly { readonly id: Uint8Array; readonly label: string }[],
): Promise<void> {
  const named = keys.map(({ id, label }) => ({ id: hex(id), label }));
  await writeDurable(
    makingFile(folder),
    canonicalBytes({ keys: named, serial, type: "ledger-keys-making", version: 1 }),
  );
}

/** The keys are in use from now on. */
export async function forgetMaking(folder: string): Promise<void> {
  await removeDurable(makingFile(folder));
}

/** Removes from the token, which is logged in to, what a run left that noted it in `folder`. Refuses HSM-TOKEN where that was on another token. */
export async function removeMade(token: Token, folder: string): Promise<void> {
  const making = readMaking(folder);
  if (!making) return;
  if (making.serial !== token.serial) {
    throw new Refusal("HSM-TOKEN", "an interrupted run was making keys on another token", {
      expected: `that token (serial ${making.serial}) once more; or, once its unused keys are removed, no folder ${folder}`,
      got: `serial ${token.serial}`,
      about: folder,
    });
  }
  for (const { id, label } of making.keys) await destroyKeyPair(token, fromHex(id), label);
}

function readMaking(folder: string): Making | undefined {
  const path = makingFile(folder);
  if (!existsSync(path)) return undefined;
  try {
    return readShape(readCanonical(new Uint8Array(readFileSync(path))), "making.json");
  } catch (fault) {
    throw new Refusal("CONFIG", "what an interrupted run was making cannot be read", {
      about: path,
      cause: asRefusal(fault, "CONFIG", faultWords(fault)),
    });
  }
}
