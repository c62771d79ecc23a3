/** What is known of the time-stamp authorities, and in which order they are asked: who failed a moment ago comes last, so that one that hangs does not delay every round. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import type { Sql } from "../store/database.ts";

export interface AuthorityState {
  readonly url: string;
  /** when it last gave a token that counted */
  readonly gave: Utc | null;
  /** since when it fails; null: it does not */
  readonly failing: Utc | null;
  /** when it was last asked in vain, while it fails */
  readonly asked: Utc | null;
  readonly reason: string | null;
}

/** So long one that failed is asked after the others. */
const restMinutes = 10;

/** All of them, as they are set but for those that rest. Pure. */
export function askingOrder(urls: readonly string[], states: readonly AuthorityState[], now: Utc): readonly string[] {
  const resting = urls.filter((url) => {
    const state = states.find((one) => one.url === url);
    if (!state?.failing || state.asked === null) return false;
    const passed = Date.parse(now) - Date.parse(state.asked);
    // A clock that was set back must not let one rest for ever.
    return passed >= 0 && passed < restMinutes * 60_000;
  });
  return [...urls.filter((url) => !resting.includes(url)), ...resting];
}

export function authorityStates(sql: Sql): Promise<readonly AuthorityState[]> {
  return sql.all("SELECT url, gave, failing, asked, reason FROM time_authorities ORDER BY url");
}

export interface Asking {
  readonly failed: readonly { readonly url: string; readonly reason: string }[];
  /** who gave a token that counts */
  readonly gave: string | undefined;
}

/** Writes down what came of asking. */
export async function noteAsking(sql: Sql, { failed, gave }: Asking, now: Utc): Promise<void> {
  for (const url of [...failed.map((one) => one.url), ...(gave === undefined ? [] : [gave])]) {
    const known = await sql.get("SELECT url FROM time_authorities WHERE url = ?", url);
    if (!known) await sql.insert("time_authorities", ["url"], [[url]]);
  }
  for (const { reason, url } of failed) {
    await sql.run(
      "UPDATE time_authorities SET failing = coalesce(failing, ?), asked = ?, reason = ? WHERE url = ?",
      now,
      now,
      reason,
      url,
    );
  }
  if (gave === undefined) return;
  await sql.run(
    "UPDATE time_authorities SET gave = ?, failing = NULL, asked = NULL, reason = NULL WHERE url = ?",
    now,
    gave,
  );
}
