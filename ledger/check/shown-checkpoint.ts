/** A checkpoint that somebody shows or keeps, as what its tree must have been. */

import { nodeHost } from "../../host/crypto-host.ts";
import { checkCheckpoint, type LogTrust, readCheckpoint } from "../../manifests/log/checkpoint.ts";
import type { ShownRoot } from "./check-log.ts";
import type { Findings } from "./findings.ts";

export interface ShownCheckpoint {
  readonly where: string;
  readonly note: Uint8Array;
}

/** One root; none where it cannot be read, or is not by whom it must be by, which is a finding. */
export async function rootShown(
  origin: string,
  { note, where }: ShownCheckpoint,
  trust: LogTrust | undefined,
  findings: Findings,
): Promise<readonly ShownRoot[]> {
  const shown = await findings.attempt(where, async () => {
    const checkpoint = trust ? await checkCheckpoint(nodeHost, note, trust) : readCheckpoint(note);
    findings.check(checkpoint.origin === origin, where, `it is of another log: ${checkpoint.origin}`);
    return { where, size: checkpoint.size, root: checkpoint.root };
  });
  return shown ? [shown] : [];
}
