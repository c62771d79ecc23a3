/** The queue of what waits for evidence of time, what the authorities did, what has to be renewed, and which clocks disagree: for `coldseal ledger queue`. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import { applianceOf } from "../boxes/enrolled.ts";
import type { Sql } from "../store/database.ts";
import { type AuthorityState, authorityStates } from "./authorities.ts";
import { type Due, renewals } from "./due.ts";
import type { ClockConflict } from "./keep-round.ts";
import { anchorSettings, usualAlarmHours, usualRenewDays } from "./settings.ts";
import { lastTokens } from "./stored-chains.ts";
import { anchored } from "./tables.ts";
import { waitingSums } from "./waiting.ts";

export interface QueueAnswer {
  readonly waiting: {
    readonly manifests: number;
    /** when the first came in, and how long ago; null: none waits */
    readonly since: Utc | null;
    readonly ageSeconds: number | null;
    readonly alarmHours: number;
    readonly alarm: boolean;
    /** the first of them */
    readonly first: readonly WaitingManifest[];
  };
  /** as they are set, and what each did */
  readonly authorities: readonly AuthorityState[];
  /** when a token last counted */
  readonly lastToken: Utc | null;
  readonly rounds: number;
  readonly renewals: {
    readonly due: readonly Due[];
    /** the first that comes; null: there is no evidence yet */
    readonly next: Due | null;
    readonly lapsed: readonly { readonly round: number; readonly reason: string; readonly found: Utc }[];
  };
  readonly conflicts: readonly (ClockConflict & { readonly appliance: string | null; readonly seen: Utc | null })[];
  /** anything alarms */
  readonly alarm: boolean;
}

export interface WaitingManifest {
  readonly appliance: string | null;
  readonly genesis: string;
  readonly number: number;
  readonly arrived: Utc;
}

const shownFirst = 20;
/** Of lists that only grow: the newest. */
const mostShown = 1000;

/** What stands there at `now`. */
export async function queueAnswer(sql: Sql, now: Utc): Promise<QueueAnswer> {
  const settings = await anchorSettings(sql);
  const { alarmHours, hashEnds, renewDays, urls } = settings ?? {
    alarmHours: usualAlarmHours,
    hashEnds: {},
    renewDays: usualRenewDays,
    urls: [],
  };
  const { manifests, since } = await waitingSums(sql);
  const ageSeconds = since === null ? null : Math.max(0, (Date.parse(now) - Date.parse(since)) / 1000);
  const late = ageSeconds !== null && ageSeconds > alarmHours * 3600;
  const last = await lastTokens(sql);
  const all = renewals(last, { hashEnds, renewDays });
  const due = all.filter((one) => one.due <= now);
  const conflicts = await clockConflicts(sql);
  const known = await authorityStates(sql);
  const gave = known.flatMap((one) => one.gave ?? []).sort();
  return {
    waiting: { manifests, since, ageSeconds, alarmHours, alarm: late, first: await firstWaiting(sql) },
    authorities: urls.map((url) => known.find((one) => one.url === url) ?? { url, ...unasked }),
    lastToken: gave.at(-1) ?? null,
    rounds: last.length,
    renewals: { due, next: all[0] ?? null, lapsed: await lapsedRounds(sql) },
    conflicts,
    alarm: late || due.length > 0 || conflicts.some(({ seen }) => seen === null),
  };
}

const unasked = { gave: null, failing: null, asked: null, reason: null } as const;

/** A person looked at all conflicts of clocks that are here: they alarm no more. How many were new. */
export async function noteSeen(sql: Sql, now: Utc): Promise<number> {
  const rows = await sql.all<{ round: number; manifest: number }>(
    `SELECT c.round, c.manifest FROM clock_conflicts c WHERE NOT EXISTS
      (SELECT 1 FROM clock_conflicts_seen s WHERE s.round = c.round AND s.manifest = c.manifest)`,
  );
  await sql.insert(
    "clock_conflicts_seen",
    ["round", "manifest", "seen"],
    rows.map(({ manifest, round }) => [round, manifest, now]),
  );
  return rows.length;
}

async function firstWaiting(sql: Sql): Promise<readonly WaitingManifest[]> {
  const rows = await sql.all<{ box: number; genesis: string; number: number; arrived: string }>(
    `SELECT b.box, b.genesis, m.number, m.arrived FROM box_manifests m JOIN boxes b ON b.box = m.box
      WHERE NOT ${anchored} ORDER BY m.manifest LIMIT ${shownFirst}`,
  );
  return Promise.all(rows.map(async ({ box, ...row }) => ({ ...row, appliance: await applianceOf(sql, box) })));
}

async function clockConflicts(sql: Sql): Promise<QueueAnswer["conflicts"]> {
  const rows = await sql.all<ClockConflict & { box: number; seen: string | null }>(
    `SELECT b.box, b.genesis, m.number, c.claimed, c.error_seconds AS "errorSeconds", c.latest, s.seen FROM clock_conflicts c
      JOIN box_manifests m ON m.manifest = c.manifest JOIN boxes b ON b.box = m.box
      LEFT JOIN clock_conflicts_seen s ON s.round = c.round AND s.manifest = c.manifest
      ORDER BY (s.seen IS NOT NULL), c.round DESC, c.manifest LIMIT ${mostShown}`,
  );
  return Promise.all(rows.map(async ({ box, ...row }) => ({ ...row, appliance: await applianceOf(sql, box) })));
}

function lapsedRounds(sql: Sql): Promise<QueueAnswer["renewals"]["lapsed"]> {
  return sql.all(`SELECT round, reason, found FROM lapsed_rounds ORDER BY round DESC LIMIT ${mostShown}`);
}
