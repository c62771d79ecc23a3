/** Days before a ceremony: is everything there that its file asks for? Nothing is changed, no PIN is asked for. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import { checkOrder } from "../engine/procedure.ts";
import { procedureOf } from "../procedures/registry.ts";
import { endTokenProcesses } from "../tokens/token-process.ts";
import { boxReady } from "./box-ready.ts";
import { type Finding, look, well } from "./finding.ts";
import { peopleReady } from "./people-ready.ts";
import { placeReady } from "./place-ready.ts";
import { isBegun, recordReady } from "./record-ready.ts";

export interface Readiness {
  readonly findings: readonly Finding[];
  /** what the steps plan */
  readonly minutes: number;
}

/** Looks at all of it. Refuses CEREMONY-FILE and CONFIG: a file that makes no ceremony is corrected first. No process runs on return. */
export async function readiness(file: CeremonyFile, now: Utc, printer: string | undefined): Promise<Readiness> {
  const procedure = procedureOf(file);
  const { arc, steps } = procedure;
  checkOrder(steps);
  const days = { now, scheduled: file.scheduled };
  try {
    const findings = [
      ...(await peopleReady(file, arc, days)),
      ...(await boxReady(file, days)),
      await look("record", () => recordReady(procedure, file)),
      await look("opening", async () => {
        await procedure.tokenCheck({ begun: isBegun(procedure, file), now });
        return well("what the ceremony looks at before it is opened is as it must be");
      }),
      ...(await placeReady(file, days, printer)),
    ];
    return { findings, minutes: steps.reduce((sum, step) => sum + step.minutes, 0) };
  } finally {
    endTokenProcesses();
  }
}
