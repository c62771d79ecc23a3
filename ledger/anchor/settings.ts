/** Which time-stamp authorities the ledger asks, what it trusts them by, and when it raises alarms. Every setting that ever was stays written; the last one counts. */

import type { HashName } from "../../manifests/cms/suite.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { nextId } from "../boxes/chain-rows.ts";
import type { Sql } from "../store/database.ts";

export interface AnchorSettings {
  /** asked one after another */
  readonly urls: readonly string[];
  /** roots of the authorities, DER: those whose tokens count from now on */
  readonly roots: readonly Uint8Array[];
  /** all that ever were set: by these stands what was stamped before, also by an authority that is asked no more */
  readonly everyRoot: readonly Uint8Array[];
  /** how long a manifest may wait before that alarms */
  readonly alarmHours: number;
  /** so long before a certificate or a hash ends a renewal is due */
  readonly renewDays: number;
  /** until when a hash is taken to hold, where somebody said so */
  readonly hashEnds: Readonly<Partial<Record<HashName, Utc>>>;
}

export const usualAlarmHours = 24;
export const usualRenewDays = 60;

export async function anchorSettings(sql: Sql): Promise<AnchorSettings | undefined> {
  const row = await sql.get<{
    setting: number;
    urls: string;
    alarm_hours: number;
    renew_days: number;
    hash_ends: string;
  }>("SELECT setting, urls, alarm_hours, renew_days, hash_ends FROM anchor_settings ORDER BY setting DESC LIMIT 1");
  if (!row) return undefined;
  const roots = await sql.all<{ der: Uint8Array }>(
    "SELECT der FROM anchor_roots WHERE setting = ? ORDER BY position",
    row.setting,
  );
  const all = await sql.all<{ der: Uint8Array }>("SELECT DISTINCT der FROM anchor_roots");
  return {
    everyRoot: all.map(({ der }) => der),
    urls: JSON.parse(row.urls) as string[],
    roots: roots.map(({ der }) => der),
    alarmHours: row.alarm_hours,
    renewDays: row.renew_days,
    hashEnds: JSON.parse(row.hash_ends) as AnchorSettings["hashEnds"],
  };
}

/** What is given takes the place of what was set before, the rest stays. Refuses USAGE where there would be no authority, or none with a root. */
export async function changeSettings(
  sql: Sql,
  given: Partial<Omit<AnchorSettings, "everyRoot">>,
  now: Utc,
): Promise<AnchorSettings> {
  const before = await anchorSettings(sql);
  const usual = {
    urls: [],
    roots: [],
    everyRoot: [],
    alarmHours: usualAlarmHours,
    renewDays: usualRenewDays,
    hashEnds: {},
  };
  const settings: AnchorSettings = { ...usual, ...before, ...given };
  if (settings.urls.length === 0 || settings.roots.length === 0) {
    throw new Refusal("USAGE", "no time-stamp authority was set in this ledger", {
      expected: "--tsa URL… and --tsa-ca FILE…, which stay set",
      got: settings.urls.length === 0 ? "no address" : "no root",
    });
  }
  if (Object.keys(given).length === 0) return settings;
  const setting = await nextId(sql, "anchor_settings", "setting");
  const { alarmHours, hashEnds, renewDays, roots, urls } = settings;
  await sql.insert(
    "anchor_settings",
    ["setting", "urls", "alarm_hours", "renew_days", "hash_ends", "since"],
    [[setting, JSON.stringify(urls), alarmHours, renewDays, JSON.stringify(hashEnds), now]],
  );
  await sql.insert(
    "anchor_roots",
    ["setting", "position", "der"],
    roots.map((der, at) => [setting, at + 1, der]),
  );
  return { ...settings, everyRoot: (await anchorSettings(sql))?.everyRoot ?? roots };
}
