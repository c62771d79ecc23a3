/** Wires `coldseal inspect`. */

import { open } from "node:fs/promises";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { inspectFile, inspectionLines } from "../inspect.ts";

const largest = 64 << 20;

export async function runInspect(
  path: string,
  options: { readonly arc: string; readonly json?: boolean },
): Promise<void> {
  const file = await open(path).catch((cause) => {
    throw new Refusal("USAGE", `cannot read ${path}`, { about: path, cause });
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > largest) {
      throw new Refusal("USAGE", "expected a file of Coldseal of at most 64 MiB", { got: `${stats.size} bytes` });
    }
    const found = inspectFile(await file.readFile(), ownOids(options.arc));
    process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : `${inspectionLines(found).join("\n")}\n`);
  } finally {
    await file.close();
  }
}
