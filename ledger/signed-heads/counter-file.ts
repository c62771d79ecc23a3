/**
 * How often the heads were written, and when last, in a file beside them or, better, on another file system: `{changed, counter, type: "signed-heads-counter", version: 1}`.
 * It is written after them, so that it is never ahead of them unless they were put back.
 */

import { readFileSync } from "node:fs";
import { writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { integer, literal, object, type Read, text } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

const readCounterShape = object({
  /** the heads' file (`lastChange`) */
  changed: text(32),
  counter: integer(0),
  type: literal("signed-heads-counter"),
  version: literal(1),
});
export type Counter = Pick<Read<typeof readCounterShape>, "changed" | "counter">;

/** Durable on return. Refuses STORE. */
export async function writeCounter(path: string, { changed, counter }: Counter): Promise<void> {
  await writeDurable(path, canonicalBytes({ changed, counter, type: "signed-heads-counter", version: 1 }));
}

/** Undefined where there is none. Refuses JSON, SHAPE what is no counter, STORE what cannot be read. */
export function readCounter(path: string): Counter | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Refusal("STORE", `the counter cannot be read: ${faultWords(cause)}`, { about: path, cause });
  }
  if (bytes.length > 1024) throw new Refusal("SHAPE", "the counter's file is longer than it can be", { about: path });
  return readCounterShape(readCanonical(bytes), "counter");
}
