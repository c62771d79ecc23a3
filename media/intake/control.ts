/** Reading one file of `coldseal/control/in`: acknowledgements, certificates, policies. Small, so as bytes. */

import { closeSync, fstatSync, readSync } from "node:fs";
import { openFileIn } from "../../host/no-follow.ts";
import { checkDocumentName, shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { sizeOf } from "./entries.ts";
import { onStick } from "./inbox.ts";
import { limits } from "./limits.ts";

/** The content of a control file. Refuses with MEDIA-NAME, MEDIA-KIND, MEDIA-LIMIT, MEDIA-CHANGED, MEDIA-READ. */
export async function readControl(root: string, name: string): Promise<Uint8Array> {
  checkName(name);
  return onStick(root, "control/in", async (folder) => {
    const file = folder === undefined ? undefined : openFileIn(folder, name);
    if (!file) throw new Refusal("MEDIA-READ", `${shown(name)} is gone`, { about: name });
    try {
      return readWhole(file.descriptor, sizeOf(file.stat), name);
    } finally {
      closeSync(file.descriptor);
    }
  });
}

function checkName(name: string): void {
  try {
    checkDocumentName(name);
  } catch (fault) {
    throw new Refusal("MEDIA-NAME", `${shown(name)} cannot be the name of a control file`, {
      about: name,
      cause: fault,
    });
  }
}

function readWhole(descriptor: number, size: number, name: string): Uint8Array {
  if (size > limits.control) {
    throw new Refusal("MEDIA-LIMIT", `${shown(name)} is too large`, {
      expected: `at most ${limits.control} bytes`,
      got: `${size}`,
      about: name,
    });
  }
  // One byte more than there is: a file that grows shows itself.
  const bytes = new Uint8Array(size + 1);
  let at = 0;
  try {
    for (let length = -1; length !== 0 && at < bytes.length; at += length) {
      length = readSync(descriptor, bytes, at, bytes.length - at, null);
    }
  } catch (fault) {
    throw asRefusal(fault, "MEDIA-READ", `${shown(name)} cannot be read`);
  }
  if (at !== size || sizeOf(fstatSync(descriptor, { bigint: true })) !== size) {
    throw new Refusal("MEDIA-CHANGED", `${shown(name)} changed while it was read`, { about: name });
  }
  return bytes.subarray(0, size);
}
