/** Wires `coldseal ledger enrol`: pins a box. */

import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { enrol } from "../boxes/enrolled.ts";
import { openLedger } from "../ledger-folder.ts";
import { certificateIn } from "./file-bytes.ts";

export interface EnrolOptions {
  readonly ca: string;
  readonly genesis: string;
  readonly arc: string;
  readonly tsaCa?: readonly string[];
  readonly keeper?: readonly string[];
  readonly gapHours: string;
  readonly json?: boolean;
}

const mostHours = 100_000;

export async function runEnrol(folder: string, options: EnrolOptions): Promise<void> {
  const { arc, ca, gapHours: hours, genesis, json, keeper = [], tsaCa = [] } = options;
  const gapHours = /^\d{1,6}$/.test(hours) ? Number(hours) : mostHours + 1;
  if (gapHours > mostHours)
    throw new Refusal("USAGE", "--gap-hours expects hours", { expected: `0 to ${mostHours}`, got: hours });
  const [root, authorities, keepers] = [certificateIn(ca), tsaCa.map(certificateIn), keeper.map(certificateIn)];
  const ledger = await openLedger(folder);
  try {
    const enrolment = { arc, authorities, gapHours, genesis, keepers, roots: [root] };
    const { box, fresh } = await ledger.db.writing((sql) => enrol(sql, enrolment, utcOf(Date.now())));
    const told = { genesis, arc, enrolled: box.enrolled, fresh };
    const words = fresh
      ? "enrolled: its records may come in now"
      : `was enrolled before, on ${box.enrolled}: nothing changed`;
    process.stdout.write(json ? `${JSON.stringify(told)}\n` : `box ${genesis}\n  ${words}\n`);
  } finally {
    ledger.close();
  }
}
