/** The table of drills. Each has a runbook of its name in docs/runbooks/. */

import { Refusal } from "../../manifests/refusal.ts";
import type { Drill } from "./drill.ts";
import { forkDrill } from "./fork-drill.ts";
import { gapDrill, stickDrill } from "./gap-drills.ts";
import { ledgerPrimary } from "./ledger-primary.ts";
import { backupPostgresDrill } from "./postgres-drill.ts";
import { backupDrill, siteDisksDrill } from "./store-drills.ts";
import { tsaDrill } from "./tsa-drill.ts";

export const drills: readonly Drill[] = [
  ledgerPrimary,
  siteDisksDrill,
  backupDrill,
  backupPostgresDrill,
  tsaDrill,
  stickDrill,
  forkDrill,
  gapDrill,
];

/** Refuses USAGE a name that no drill has. */
export function drillsNamed(names: readonly string[], all: readonly Drill[] = drills): readonly Drill[] {
  return names.map((name) => {
    const drill = all.find((one) => one.name === name);
    if (drill) return drill;
    throw new Refusal("USAGE", "there is no such drill", {
      expected: all.map((one) => one.name).join(", "),
      got: name,
    });
  });
}
