/** An acknowledgement onto a stick: `coldseal/control/in/ack-GENESIS.p7m`, the first 16 hex digits of the box's genesis digest. No link on the stick is followed. */

import { closeSync } from "node:fs";
import { writeDurable } from "../../host/durable.ts";
import { entryPath, makeFolderIn, openFileIn, openRoot } from "../../host/no-follow.ts";
import { readWhole } from "../../host/read-file.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { acknowledgementLimit } from "../../manifests/log/acknowledgement.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

const folders = ["coldseal", "control", "in"];

export const acknowledgementName = (genesis: string) => `ack-${genesis.slice(0, 16)}.p7m`;

/** Its path on the stick; durable on return, and read back. One that stands there for this box gives way. Refuses MEDIA-KIND, MEDIA-READ, MEDIA-WRITE, CHECKED-OUT. */
export async function putOntoStick(stick: string, genesis: string, p7m: Uint8Array): Promise<string> {
  const name = acknowledgementName(genesis);
  const folder = openFolders(stick);
  try {
    await writeDurable(entryPath(folder, name), p7m, { mode: 0o644 });
    const file = openFileIn(folder, name);
    const back = file && readWhole(file, acknowledgementLimit);
    if (!back || !equal(back, p7m)) {
      throw new Refusal("CHECKED-OUT", "the acknowledgement was not what was written when it was read back", {
        about: name,
      });
    }
    return [...folders, name].join("/");
  } catch (fault) {
    if (fault instanceof Refusal && fault.code !== "STORE") throw fault;
    throw notWritten(stick, fault);
  } finally {
    closeSync(folder);
  }
}

function openFolders(stick: string): number {
  let at = openRoot(stick);
  for (const name of folders) {
    const above = at;
    try {
      at = makeFolderIn(above, name);
    } catch (fault) {
      throw fault instanceof Refusal ? fault : notWritten(stick, fault);
    } finally {
      closeSync(above);
    }
  }
  return at;
}

function notWritten(stick: string, cause: unknown): Refusal {
  const { message } = asRefusal(cause, "MEDIA-WRITE", cause instanceof Error ? cause.message : "a fault");
  return new Refusal("MEDIA-WRITE", `the acknowledgement could not be written: ${message}`, { about: stick, cause });
}
