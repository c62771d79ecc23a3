/** What the ledger's figures are at a moment, for whoever watches it. */

import { statSync } from "node:fs";
import { join } from "node:path";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { reportedHere } from "../acknowledge/box-standing.ts";
import { queueAnswer } from "../anchor/queue.ts";
import { boxAnswers } from "../answers/boxes.ts";
import { linked } from "../boxes/chain-rows.ts";
import { enrolledBoxes } from "../boxes/enrolled.ts";
import { storeFile } from "../ledger-folder.ts";
import { treeHead } from "../log/tree-head.ts";
import type { Sql } from "../store/database.ts";
import { secondsSince } from "./age.ts";
import type { HealthAnswer } from "./health.ts";
import type { Family, Sample } from "./metrics.ts";

/** Refuses STORE, BUSY. */
export async function ledgerFigures(sql: Sql, now: Utc, folder: string, origin: string): Promise<readonly Family[]> {
  const { size } = await treeHead(sql);
  const queue = await queueAnswer(sql, now);
  const boxes = await boxAnswers(sql, now);
  const checkpoint = await sql.get<{ size: number; signed: string }>(
    "SELECT size, signed FROM checkpoints ORDER BY size DESC LIMIT 1",
  );
  const cosigned = await sql.all<{ witness: string }>(
    "SELECT witness FROM cosignatures WHERE size = ? ORDER BY witness",
    checkpoint?.size ?? 0,
  );
  const byBox = (of: (box: (typeof boxes)[number]) => number) =>
    boxes.map((box): Sample => ({ labels: { box: box.genesis.slice(0, 16) }, value: of(box) }));
  const outstanding = await outstandingOf(sql, origin, now);
  return [
    gauge("entries", "Entries of the log that are stored.", [{ value: size }]),
    gauge("store_bytes", "Size of the store's file, where it is one.", sizeOf(join(folder, storeFile))),
    gauge("checkpoint_size", "Entries of the newest signed checkpoint.", [{ value: checkpoint?.size ?? 0 }]),
    gauge(
      "checkpoint_age_seconds",
      "Since the newest checkpoint was signed.",
      checkpoint ? [{ value: secondsSince(checkpoint.signed, Date.parse(now)) }] : [],
    ),
    gauge(
      "checkpoint_cosigned",
      "1 for each witness that cosigned the newest checkpoint.",
      cosigned.map(({ witness }) => ({ labels: { witness: witness.split("+")[0] ?? "" }, value: 1 })),
    ),
    gauge("queue_manifests", "Manifests that wait for evidence of time.", [{ value: queue.waiting.manifests }]),
    gauge("queue_age_seconds", "Since the first of them came in; 0: none waits.", [
      { value: queue.waiting.ageSeconds ?? 0 },
    ]),
    gauge("queue_alarm", "1: something waits for too long, a renewal is due, or clocks disagree.", [
      { value: Number(queue.alarm) },
    ]),
    gauge(
      "manifests_missing",
      "Numbers of a box's chain that are missing and not explained.",
      byBox((one) => one.missing),
    ),
    gauge(
      "gap_alarms",
      "Ranges that have been missing for longer than the box's hours.",
      byBox((one) => one.gapAlarms),
    ),
    gauge(
      "disputes",
      "Manifests in dispute.",
      byBox((one) => one.disputes),
    ),
    gauge(
      "unacknowledged_manifests",
      "Manifests in the log of which the box has not said that it took their acknowledgement.",
      outstanding.map(({ box, count }) => ({ labels: { box }, value: count })),
    ),
    gauge(
      "unacknowledged_age_seconds",
      "Since the first of them came in; 0: there is none.",
      outstanding.map(({ age, box }) => ({ labels: { box }, value: age })),
    ),
  ];
}

export function healthFigures({ entry, healthy, probe, token }: HealthAnswer): readonly Family[] {
  const parts = { entry, token, probe };
  const of = (value: (part: (typeof parts)[keyof typeof parts]) => number | null) =>
    Object.entries(parts).flatMap(([part, one]) => {
      const found = value(one);
      return found === null ? [] : [{ labels: { part }, value: found }];
    });
  return [
    gauge("healthy", "1: all that health looks at is proven, and young enough.", [{ value: Number(healthy) }]),
    gauge(
      "health_part",
      "1: this part of health is proven, and young enough.",
      of((one) => Number(one.healthy)),
    ),
    gauge(
      "health_age_seconds",
      "Age of what was proven last.",
      of((one) => one.ageSeconds),
    ),
    gauge("published_entries", "Entries that were proven to be published.", [{ value: entry.size }]),
    gauge("cosignatures", "Witnesses that cosigned the published checkpoint.", [{ value: entry.cosignatures }]),
    gauge("unpublished_entries", "Entries that are stored and not published in every place yet.", [
      { value: entry.unpublished.entries },
    ]),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `coldseal_ledger_${name}`, help, type: "gauge", samples };
}

async function outstandingOf(sql: Sql, origin: string, now: Utc) {
  const outstanding: { readonly box: string; readonly count: number; readonly age: number }[] = [];
  for (const enrolled of await enrolledBoxes(sql)) {
    const reported = await reportedHere(sql, enrolled, origin);
    const row = await sql.get<{ count: number; since: string | null }>(
      `SELECT count(*) AS count, min(m.arrived) AS since FROM chain_links l JOIN box_manifests m ON m.manifest = l.manifest
        WHERE l.box = ? AND ${linked} AND l.number > ?`,
      enrolled.box,
      reported?.number ?? 0,
    );
    const age = row?.since ? secondsSince(row.since, Date.parse(now)) : 0;
    outstanding.push({ box: enrolled.genesis.slice(0, 16), count: row?.count ?? 0, age });
  }
  return outstanding;
}

/** None of a store on servers. */
function sizeOf(file: string): readonly Sample[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? [{ value: stat.size }] : [];
}
