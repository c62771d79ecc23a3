/**
 * Where a folder keeps its heads: `heads.db` in it, and the counter in `counter.json` beside, or where `heads.json` says:
 * `{counter: PATH, type: "signed-heads-place", version: 1}`, so that not both are put back with one disk.
 */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { literal, object, text } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { HeadsPlace } from "./signed-heads.ts";

const readPlaceShape = object({
  /** taken from the folder */
  counter: text(4096),
  type: literal("signed-heads-place"),
  version: literal(1),
});

/** Refuses CONFIG a `heads.json` that cannot be read. */
export function headsPlace(folder: string): HeadsPlace {
  const file = join(folder, "heads.db");
  const said = join(folder, "heads.json");
  try {
    const { counter } = readPlaceShape(readCanonical(new Uint8Array(readFileSync(said))), "heads.json");
    return { file, counter: resolve(folder, counter) };
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return { file, counter: join(folder, "counter.json") };
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", `where the counter is cannot be read: ${message}`, { about: said, cause: fault });
  }
}

/** Writes `heads.json`. Durable on return. Refuses STORE. */
export async function writeHeadsPlace(folder: string, counter: string): Promise<void> {
  const members = { counter: resolve(counter), type: "signed-heads-place", version: 1 };
  await writeDurable(join(folder, "heads.json"), canonicalBytes(members));
}
