/** NOTHING-LOST in the record: what was told once still stands, and what was accepted came to an end. */

import type { Db } from "../../appliance/signer/store.ts";
import type { Breach } from "./breach.ts";
import { rows } from "./check-record.ts";
import type { Told, ToldOfBatch } from "./told.ts";

interface Standing {
  readonly digest: string;
  readonly authorized: number;
  readonly ending: "rejection" | "abort" | null;
  readonly number: number | null;
  readonly outcome: "sealed" | "aborted" | null;
  readonly seals: number;
  readonly released: number;
}

/** `ended`: the box had all that it needs, so nothing may still be waiting. */
export function checkTold(db: Db, told: Told, ended: boolean): readonly Breach[] {
  const standing = new Map(standings(db).map((one) => [one.digest, one]));
  const lost = told.all.flatMap(([digest, of]) =>
    differences(of, standing.get(digest)).map((how): Breach => ["NOTHING-LOST", `${digest.slice(0, 8)}: ${how}`]),
  );
  if (!ended) return lost;
  const waiting = [...standing.values()].filter(({ ending, number, outcome, released }) =>
    number === null ? ending === null : outcome === null || released !== 1,
  );
  return [
    ...lost,
    ...waiting.map(({ digest }): Breach => ["NOTHING-LOST", `${digest.slice(0, 8)} was accepted and never ended`]),
  ];
}

function differences(told: ToldOfBatch, is: Standing | undefined): readonly string[] {
  if (!is) return told.accepted ? ["the signer accepted it and knows it no more"] : [];
  const found: string[] = [];
  if (told.authorized && is.authorized === 0) found.push("its authorisation is lost");
  if (is.seals < told.sealed && is.outcome !== "aborted")
    found.push(`${is.seals} seals of ${told.sealed} that were told`);
  if (told.ending === "rejected" && is.ending !== "rejection") found.push("its rejection is lost");
  if (told.ending === "aborted" && (is.ending !== "abort" || is.outcome === "sealed")) found.push("its abort is lost");
  if (told.result && (is.number !== told.result.number || is.outcome !== told.result.outcome)) {
    found.push(`was ${told.result.outcome} as ${told.result.number}, is ${is.outcome} as ${is.number}`);
  }
  if (told.released && is.released !== 1) found.push("its release is lost");
  if (is.ending !== null && is.outcome === "sealed") found.push("it was ended and sealed");
  return found;
}

function standings(db: Db): readonly Standing[] {
  return rows<Standing>(
    db,
    `SELECT lower(hex(q.batch_digest)) AS digest,
      (SELECT count(*) FROM authorizations a JOIN challenges c ON c.id = a.challenge WHERE c.request = q.id) AS authorized,
      (SELECT kind FROM endings e WHERE e.request = q.id) AS ending,
      (SELECT number FROM reservations r WHERE r.request = q.id) AS number,
      (SELECT outcome FROM manifests m JOIN reservations r USING (number) WHERE r.request = q.id) AS outcome,
      (SELECT count(*) FROM signatures s JOIN reservations r USING (number) WHERE r.request = q.id) AS seals,
      (SELECT count(*) FROM releases l JOIN reservations r USING (number) WHERE r.request = q.id) AS released
     FROM requests q`,
  );
}
