/** Attempts at a reserved number: counted in the journal, each with what the network was; the manifest says the worst of them. */

import type { Box } from "./box.ts";
import { checkNetwork, type NetworkLabel } from "./network.ts";
import type { Reservation } from "./reserve.ts";
import type { Db } from "./store.ts";

/** Counts an attempt, with how far the ones before it came. Durable on return. Refuses with GAP. */
export function beginAttempt(box: Box, reservation: Reservation): void {
  add(box, reservation, checkNetwork(box.policies.inForce.policy.network, box.readLinks));
}

/**
 * HONEST: a link that came up since the attempt began is durable on return, as an attempt of its own: no signature counts
 * before that. Refuses with GAP.
 */
export function noteNetwork(box: Box, reservation: Reservation): void {
  const network = checkNetwork(box.policies.inForce.policy.network, box.readLinks);
  if (network !== "absent" && !wasLinked(box.db, reservation.number)) add(box, reservation, network);
}

/** Whether any attempt at a number saw a link. */
export function wasLinked(db: Db, number: number): boolean {
  return db.prepare("SELECT 1 FROM attempts WHERE number = ? AND network <> 'absent'").get(number) !== undefined;
}

function add(box: Box, { number, batch }: Reservation, network: NetworkLabel): void {
  const count = (table: "attempts" | "intents") =>
    box.db.prepare<[number], number>(`SELECT count(*) FROM ${table} WHERE number = ?`).pluck().get(number) as number;
  box.db.transaction(() => {
    const attempt = count("attempts") + 1;
    box.db.prepare("INSERT INTO attempts (number, attempt, network) VALUES (?, ?, ?)").run(number, attempt, network);
    const sealed = box.batches.progress(batch).done;
    box.record("attempt", { attempt, intents: count("intents"), network, number, sealed });
  })();
}
