/**
 * `backed-up.json` in a ledger's folder: what the newest finished backup holds. It is written when that backup is whole and synced, never before; what has no backup is not in it. It is in no
 * backup itself: a restored ledger waits for its own first one.
 */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { hexText, integer, literal, object, type Read, text, utc } from "../../manifests/encoding/shape.ts";
import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { formerHead } from "../log/proofs.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Sql } from "../store/database.ts";
import type { BackupRecord } from "./backup-record.ts";

const file = "backed-up.json";

const readMembers = object({
  made: utc,
  /** of the first `size` entries */
  root: hexText(),
  size: integer(0),
  /** the backup's folder */
  to: text(4096),
  type: literal("ledger-backed-up"),
  version: literal(1),
});
export type BackedUp = Pick<Read<typeof readMembers>, "made" | "root" | "size" | "to">;

/** After `makeBackup` into `to`; durable on return. Refuses STORE. */
export async function noteBackup(ledger: string, { made, root, size }: BackupRecord, to: string): Promise<void> {
  const members = { made, root, size, to: resolve(to), type: "ledger-backed-up", version: 1 };
  await writeDurable(join(ledger, file), canonicalBytes(members));
}

/** Null where none was made from this folder. Refuses CONFIG a file that is none. */
export function readBackedUp(ledger: string): BackedUp | null {
  const path = join(ledger, file);
  try {
    const { made, root, size, to } = readMembers(readCanonical(new Uint8Array(readFileSync(path))), file);
    return { made, root, size, to };
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return null;
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", `what was backed up cannot be read: ${message}`, {
      expected: "what the last backup wrote; make another one",
      about: path,
      cause: fault,
    });
  }
}

/** The tree of what the store has and that backup holds; undefined where it is none of this store's: it was put back since, or went another way. Refuses LOG-RECORD. */
export async function headBackedUp(sql: Sql, { root, size }: BackedUp): Promise<TreeHead | undefined> {
  if (size > (await treeHead(sql)).size) return undefined;
  const head = await formerHead(sql, size);
  return head.root.toHex() === root ? head : undefined;
}
