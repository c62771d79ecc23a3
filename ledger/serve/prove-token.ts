/** The newest time-stamp that counted, checked again with all that leads to it: a record of the store, hashed anew, by its way to the token, and the token by its path. */

import { nodeHost } from "../../host/crypto-host.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkEvidence } from "../../manifests/time/check-evidence.ts";
import { endOf } from "../anchor/ask.ts";
import { recordHashes } from "../anchor/groups.ts";
import { recordsOf } from "../anchor/records.ts";
import { anchorSettings } from "../anchor/settings.ts";
import type { Sql } from "../store/database.ts";

export interface NewestToken {
  readonly round: number;
  /** by the token itself */
  readonly stamped: Utc;
}

/** Undefined: there is none yet. */
export function newestToken(sql: Sql): Promise<NewestToken | undefined> {
  return sql.get<NewestToken>("SELECT round, stamped FROM anchor_tokens ORDER BY stamped DESC, round DESC LIMIT 1");
}

/**
 * By the smallest manifest of its round, as a list may have 250,000 lines. Refuses TIME-*, CMS-*, PATH-* what does not hold, STORE what is missing.
 */
export async function proveToken(sql: Sql, { round, stamped }: NewestToken): Promise<void> {
  const member = await sql.get<{ manifest: number }>(
    `SELECT m.manifest FROM box_manifests m WHERE EXISTS (SELECT 1 FROM anchor_ways w WHERE w.round = ? AND w.manifest = m.manifest)
      ORDER BY m.sealed, m.manifest LIMIT 1`,
    round,
  );
  if (!member) throw new Refusal("STORE", "the newest time-stamp is over nothing", { about: `round ${round}` });
  const der = (await recordsOf(sql, round, member.manifest))(0);
  const stamps = await checkEvidence(nodeHost, der, (hash) => recordHashes(sql, member.manifest, hash));
  const newest = stamps.at(-1);
  if (newest?.info.time !== stamped) {
    throw new Refusal("TIME-IMPRINT", "the newest time-stamp is not of the time that the store says", {
      expected: stamped,
      got: newest?.info.time ?? "none",
    });
  }
  await endOf(newest, (await anchorSettings(sql))?.everyRoot ?? []);
}
