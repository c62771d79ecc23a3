/** The notice of a compromise: what machines of relying parties read, and what its papers say. */

import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import type { Stage } from "../../engine/procedure.ts";
import type { CompromiseFacts } from "../../paper/compromise-paper.ts";
import { runWarning } from "../../paper/run-warning.ts";
import type { RunningBox } from "../orders/running-box.ts";
import { type CompromiseReport, onLists, rangesOf } from "./report.ts";

/** What the ceremony's file says. */
export interface Compromised {
  readonly key: string;
  readonly reason: string;
  readonly running: RunningBox;
  readonly since: Utc | null;
}

/** Canonical JSON members of the notice. */
export function noticeJson(stage: Stage, report: CompromiseReport): { readonly [name: string]: Json } {
  const { appliance, created, fall, key, reason, since, stand } = report;
  return {
    appliance,
    archive: stage.file.archive,
    certificate: certificateOf(stage),
    created,
    fall: fall.map(({ number }) => number),
    key: { ...key },
    orders: ordersOf(stage),
    reason,
    resealed: [...onLists(report)],
    since,
    stand: stand.map(({ number }) => number),
    type: "compromise-notice",
    version: 1,
  };
}

export function paperFacts(stage: Stage, report: CompromiseReport): CompromiseFacts {
  const numbers = (judged: readonly { readonly number: number }[]) => rangesOf(judged.map(({ number }) => number));
  return {
    ...report,
    archive: stage.file.archive,
    certificate: certificateOf(stage),
    falling: numbers(report.fall),
    orders: ordersOf(stage),
    resealed: rangesOf(onLists(report)),
    standing: numbers(report.stand),
    warning: runWarning[stage.run],
  };
}

/** As the step that showed the key left it. */
function certificateOf(stage: Stage): string {
  return stage.facts("key").certificate ?? "none";
}

/** Orders that this ceremony gave. */
function ordersOf(stage: Stage): { name: string; digest: string }[] {
  return [
    ["revoke", "order to revoke the key"],
    ["reseal", "re-sealing list"],
  ].flatMap(([step = "", name = ""]) => {
    const digest = factsOf(stage, step)?.digest;
    return digest === undefined ? [] : [{ digest, name }];
  });
}

/** Undefined for a step that is still to come. */
function factsOf(stage: Stage, step: string) {
  try {
    return stage.facts(step);
  } catch {
    return undefined;
  }
}
