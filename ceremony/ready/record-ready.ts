/** The record that a ceremony would be held into: none yet, or its own. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { checkEntries, readEntry } from "../../manifests/records/transcript.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import { linesIn } from "../engine/line-file.ts";
import type { Procedure } from "../engine/procedure.ts";
import { recordFolder } from "../engine/records-folder.ts";
import { type Finding, missing, well } from "./finding.ts";

export function isBegun(procedure: Pick<Procedure, "records">, file: CeremonyFile): boolean {
  const path = entriesPath(procedure, file);
  return existsSync(path) && statSync(path).size > 0;
}

/** Refuses SHAPE, JSON a record that cannot be read. */
export async function recordReady(
  procedure: Pick<Procedure, "records">,
  file: CeremonyFile,
): Promise<Omit<Finding, "about">> {
  const path = entriesPath(procedure, file);
  if (!isBegun(procedure, file)) return well(`${file.archive}-${file.ceremony} was not begun`);
  const entries = [...linesIn(readFileSync(path))].map(readEntry);
  try {
    await checkEntries(nodeHost, file.digest, entries);
  } catch {
    return missing(`CEREMONY-STATE: ${path} is of another file: give this ceremony another archive number`);
  }
  const { kind } = entries.at(-1) ?? { kind: "opened" };
  const over = kind === "completed" || kind === "abandoned";
  return over ? missing(`CEREMONY-STATE: ${path}: this ceremony was ${kind}`) : well(`${path} is gone on with`);
}

function entriesPath(procedure: Pick<Procedure, "records">, file: CeremonyFile): string {
  return join(recordFolder(procedure, file), "entries.jsonl");
}
