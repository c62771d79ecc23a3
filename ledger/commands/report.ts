/** Wires `coldseal ledger report`: what the ledger has, as one HTML file with plots. */

import { existsSync } from "node:fs";
import { writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { packageVersion } from "../../host/version.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { openLedger } from "../ledger-folder.ts";
import { dayIn, figuresOf } from "../report/figures.ts";
import { alarmsOf, reportPage } from "../report/page.ts";
import { give } from "./asked.ts";

export interface ReportOptions {
  readonly to: string;
  /** days, like 2026-11-01; both are shown */
  readonly from?: string;
  readonly toDate?: string;
  readonly json?: boolean;
}

/** Refuses USAGE a file that is there, and days that are none or out of order; STORE. */
export async function runReport(folder: string, { from, json, to, toDate }: ReportOptions): Promise<void> {
  const period = { from: dayOf("--from", from), to: dayOf("--to-date", toDate) };
  if (period.from !== null && period.to !== null && period.to < period.from)
    throw new Refusal("USAGE", "--to-date is before --from", { got: `${from} to ${toDate}` });
  if (existsSync(to))
    throw new Refusal("USAGE", "the file is there already", { expected: "a new file", got: shown(to) });
  const ledger = await openLedger(folder);
  try {
    const now = utcOf(Date.now());
    if (period.from !== null && (period.to ?? now) < period.from)
      throw new Refusal("USAGE", "--from lies ahead", { expected: "a day that has begun", got: shown(from ?? "") });
    const figures = await ledger.db.reading((sql) => figuresOf(sql, period, now));
    await write(to, reportPage(figures, ledger.origin, packageVersion()));
    const { manifests, seals } = figures;
    const alarms = alarmsOf(figures);
    const told = { file: to, period: figures.period, manifests, seals, alarms };
    give(json, told, () => [`Written: ${shown(to)}`, ...alarms.map((text) => `ALARM: ${text}`)]);
  } finally {
    ledger.close();
  }
}

function dayOf(option: string, text: string | undefined): Utc | null {
  if (text === undefined) return null;
  const day = dayIn(text);
  if (day !== undefined) return day;
  throw new Refusal("USAGE", `${option} expects a day`, { expected: "a day like 2026-11-01", got: text });
}

async function write(file: string, page: string): Promise<void> {
  try {
    await writeDurable(file, new TextEncoder().encode(page), { mode: 0o644 });
  } catch (cause) {
    throw new Refusal("USAGE", "the report cannot be written", { got: faultWords(cause), about: file, cause });
  }
}
