/** Wires `coldseal ledger queue`: what waits for evidence of time, what has to be renewed, and what waits for a backup before it is published. */

import { count } from "../../host/terminal/amounts.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { noteSeen, type QueueAnswer, queueAnswer } from "../anchor/queue.ts";
import { type Unbacked, unbackedIn } from "../backup/unbacked.ts";
import { openLedger } from "../ledger-folder.ts";
import { conflictLine } from "./anchor.ts";
import { give } from "./asked.ts";

export interface QueueOptions {
  /** a person looked at the conflicts of clocks */
  readonly seen?: boolean;
  readonly json?: boolean;
}

/** Exit status 1 where something alarms. */
export async function runQueue(folder: string, { json, seen }: QueueOptions): Promise<void> {
  const ledger = await openLedger(folder);
  try {
    const now = utcOf(Date.now());
    if (seen) await ledger.db.writing((sql) => noteSeen(sql, now));
    const { answer, unbacked } = await ledger.db.reading(async (sql) => ({
      answer: await queueAnswer(sql, now),
      unbacked: await unbackedIn(folder, sql),
    }));
    give(json, { ...answer, unbacked }, () => [...lines(answer), ...unbackedLines(unbacked)]);
    if (answer.alarm) process.exitCode = 1;
  } finally {
    ledger.close();
  }
}

function lines(answer: QueueAnswer): readonly string[] {
  const { authorities, conflicts, lastToken, renewals, rounds, waiting } = answer;
  return [
    ...waitingLines(waiting),
    ...(authorities.length === 0
      ? ["no time-stamp authority is set: coldseal ledger anchor FOLDER --tsa URL… --tsa-ca FILE…"]
      : []),
    ...authorities.map(({ asked, failing, gave, reason, url }) =>
      failing === null
        ? `authority ${shown(url)}: ${gave === null ? "not asked yet" : `gave a token ${gave}`}`
        : `authority ${shown(url)}: FAILS since ${failing}, last asked ${asked}: ${shown(reason ?? "no reason")}`,
    ),
    ...(lastToken === null ? [] : [`last token that counted: ${lastToken}`]),
    ...renewalLines(renewals, rounds),
    ...conflicts.map((one) => `${conflictLine(one).trimStart()}${one.seen === null ? "" : `; seen ${one.seen}`}`),
  ];
}

function waitingLines({ ageSeconds, alarm, alarmHours, first, manifests, since }: QueueAnswer["waiting"]): string[] {
  if (since === null || ageSeconds === null) return ["nothing waits for evidence of time"];
  const head = `${count(manifests, "manifest waits", "manifests wait")} for evidence of time, since ${since} (${ageText(ageSeconds)})`;
  return [
    alarm ? `ALARM: ${head}, over ${count(alarmHours, "hour")}` : head,
    ...first.map(
      ({ appliance, arrived, genesis, number }) =>
        `  ${appliance === null ? genesis.slice(0, 16) : shown(appliance)} manifest ${number}, came in ${arrived}`,
    ),
    ...(manifests > first.length ? [`  and ${manifests - first.length} more`] : []),
  ];
}

function unbackedLines(unbacked: Unbacked | null): readonly string[] {
  if (unbacked === null) return [];
  const { entries, newest, since } = unbacked;
  const last =
    newest === null ? "there is no backup yet" : `the newest backup, of ${newest.made}, holds ${newest.size}`;
  if (entries === 0) return [`all that is stored is backed up: ${last}`];
  const head = `${count(entries, "entry waits", "entries wait")} for a backup before they are published`;
  return [`${head}${since === null ? "" : `, since ${since}`}; ${last}: coldseal ledger backup FOLDER TO`];
}

function renewalLines({ due, lapsed, next }: QueueAnswer["renewals"], rounds: number): readonly string[] {
  const until = (ends: Utc, by: "token" | "hash") => `${by === "hash" ? "its hash" : "a certificate"} ends ${ends}`;
  const open =
    due.length > 0
      ? due.map(
          ({ by, due: since, ends, round }) =>
            `ALARM: round ${round} is to be renewed since ${since}: ${until(ends, by)}`,
        )
      : next === null
        ? []
        : [
            `${count(rounds, "round")}; the next to renew is round ${next.round}, from ${next.due} on: ${until(next.ends, next.by)}`,
          ];
  return [
    ...open.slice(0, 20),
    ...(open.length > 20 ? [`and ${open.length - 20} more to renew: coldseal ledger anchor FOLDER --renew`] : []),
    ...lapsed.map(({ found, reason, round }) => `round ${round} lapsed ${found}: ${shown(reason)}`),
  ];
}

function ageText(seconds: number): string {
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
