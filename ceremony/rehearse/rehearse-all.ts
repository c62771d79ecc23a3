/** Every ceremony of a box's life, on a test box made for it. */

import { Refusal } from "../../manifests/refusal.ts";
import { readCeremonyFile } from "../engine/ceremony-file.ts";
import { boxLogPath } from "../procedures/custody/box-log.ts";
import { boxLayout } from "../procedures/layout.ts";
import { endTokenProcesses } from "../tokens/token-process.ts";
import { acts } from "./every-ceremony.ts";
import { leaveCustodySheet, leaveRecords } from "./leave-records.ts";
import { Rehearsal } from "./rehearsal.ts";
import type { PlayedAt, Rehearsed } from "./rehearse.ts";
import { rehearsedBox } from "./rehearsed-box.ts";

/** Names that can be rehearsed one by one. */
export const rehearsedNames = [...new Set(["genesis", "certificates", ...acts.flatMap(({ names }) => names)])];

/**
 * Holds them all; with `until` those that come before it and the act that it is in. Leaves scripts, records, transcripts and the custody sheet in `out`,
 * a new or empty folder. No process of it runs on return. Refuses USAGE (no such ceremony, a folder that is not empty), and what refused a step.
 */
export async function rehearseAll(out: string, until: string | undefined, at: PlayedAt): Promise<readonly Rehearsed[]> {
  if (until !== undefined && !rehearsedNames.includes(until)) {
    throw new Refusal("USAGE", "there is no such ceremony to rehearse", {
      expected: rehearsedNames.join(", "),
      got: until,
    });
  }
  const made = await rehearsedBox(out, { profile: "ecdsa-p256-sha256", recovery: true }, at);
  const rehearsal = new Rehearsal(made, at);
  if (until !== "genesis" && until !== "certificates") await holdActs(rehearsal, until);
  for (const { file, transcript } of rehearsal.done) {
    await leaveRecords(out, { file: readCeremonyFile(file), transcript });
  }
  if (rehearsal.done.some(({ ceremony }) => ceremony === "custody")) {
    await leaveCustodySheet(out, boxLogPath(boxLayout(made.wanted.box).records));
  }
  return rehearsal.done;
}

async function holdActs(rehearsal: Rehearsal, until: string | undefined): Promise<void> {
  await rehearsal.start();
  try {
    for (const { names, act } of acts) {
      await act(rehearsal);
      if (until !== undefined && names.includes(until)) return;
    }
  } finally {
    endTokenProcesses();
    await rehearsal.stop();
  }
}
