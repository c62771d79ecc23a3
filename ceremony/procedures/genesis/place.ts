/**
 * The folder that becomes a box belongs to one genesis: what another one made there, or is making, is never written over. Whoever begins says so
 * in a file of the folder; only a genesis that was abandoned before it made a store gives the folder back.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { endOf } from "../../engine/records-folder.ts";
import { copyFolder } from "../box-copy.ts";
import type { BoxLayout } from "../layout.ts";

/** Refuses STORE where the folder is a box, or another genesis's that goes on; `own` is the record's name. Nothing is changed. */
export function checkPlace({ records, state, held }: BoxLayout, own: string): void {
  const holder = holderOf(held);
  if (holder === own) return;
  if (existsSync(join(state, "store.db"))) {
    throw new Refusal("STORE", "this folder is a box already", { expected: "an empty folder", about: state });
  }
  if (holder === undefined || endOf(records, holder) === "abandoned") return;
  throw new Refusal("STORE", "another genesis is being held in this folder", {
    expected: "that one gone on with, or abandoned by `ceremony abandon`",
    got: holder,
    about: records,
  });
}

/** Takes the folder for this genesis, durably. Refuses as `checkPlace`. */
export async function takePlace(box: string, layout: BoxLayout, own: string): Promise<void> {
  checkPlace(layout, own);
  if (holderOf(layout.held) === own) return;
  await makeFolder(box);
  await writeDurable(layout.held, utf8(`${own}\n`));
}

/** A medium keeps one box of a name: the copy of another would be lost. Refuses STORE. */
export function checkCopyPlace(media: string, appliance: string): void {
  const folder = copyFolder(media, appliance);
  if (!existsSync(join(folder, "signer.json"))) return;
  throw new Refusal("STORE", "this medium holds the copy of a box of this name", {
    expected: "another medium, or another name for the new box",
    got: folder,
    about: appliance,
  });
}

function holderOf(path: string): string | undefined {
  try {
    return fromUtf8(readFileSync(path)).trim();
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Refusal("STORE", "it cannot be read who holds this folder", { about: path, cause: fault });
  }
}
