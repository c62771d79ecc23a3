/** Wires `coldseal inspect`. */

import { ownOids } from "../../manifests/encoding/oid.ts";
import { readBounded } from "../bounded-file.ts";
import { inspectFile, inspectionLines } from "../inspect.ts";

const largest = 64 << 20;

export async function runInspect(
  path: string,
  options: { readonly arc: string; readonly json?: boolean },
): Promise<void> {
  const found = inspectFile(await readBounded(path, largest), ownOids(options.arc));
  process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : `${inspectionLines(found).join("\n")}\n`);
}
