/**
 * Documents of a batch that another batch sealed before (SEAL-ONCE). The work grows with the distinct digests of the batch
 * and the batches that hold each, whatever number of equal documents they list.
 */

import { earlierNamed, type Manifest } from "../../manifests/records/manifest.ts";
import type { Db } from "./store.ts";

/** `held`: each distinct digest of a request's documents up to `last`, with every request that lists it, and a row of null at the end. */
export const heldDigests = `WITH RECURSIVE
  mine AS MATERIALIZED (
    SELECT digest, count(*) AS documents FROM documents WHERE request = @request AND idx <= @last GROUP BY digest),
  held (digest, documents, request) AS (
    SELECT digest, documents, (SELECT min(request) FROM documents e WHERE e.digest = mine.digest) FROM mine
    UNION ALL
    SELECT digest, documents,
      (SELECT min(request) FROM documents e WHERE e.digest = held.digest AND e.request > held.request)
    FROM held WHERE request IS NOT NULL)`;

/** `found`: those digests that were sealed under a number before `before`, with the first such number; a store that was made anew knows some of another one. */
const found = `${heldDigests},
  sealed AS MATERIALIZED (
    SELECT h.digest, h.documents, h.request, r.number
    FROM held h JOIN reservations r ON r.request = h.request JOIN manifests m ON m.number = r.number
    WHERE m.outcome = 'sealed' AND r.number < @before AND r.request <> @request
    UNION ALL
    SELECT mine.digest, mine.documents, NULL, p.number FROM mine JOIN recovered_documents p ON p.digest = mine.digest),
  found AS MATERIALIZED (SELECT digest, documents, request, min(number) AS number FROM sealed GROUP BY digest)`;

/** How many documents of a request were sealed before in another batch. */
export function countEarlier(db: Db, request: number): number {
  const all = Number.MAX_SAFE_INTEGER;
  return db
    .prepare<Asked, number>(`${found} SELECT coalesce(sum(documents), 0) FROM found`)
    .pluck()
    .get({ request, last: all, before: all }) as number;
}

/** What manifest `number` says of the documents that it sealed: of the first of them the first earlier seal each, and how many there are. */
export function earlierSeals(
  db: Db,
  { number, request }: { readonly number: number; readonly request: number },
): Pick<Manifest["documents"], "earlier" | "earlierCount"> {
  const last = db
    .prepare<[number], number>("SELECT coalesce(max(idx), 0) FROM signatures WHERE number = ?")
    .pluck()
    .get(number) as number;
  const rows = db
    .prepare<Asked, EarlierRow>(
      `${found}
       SELECT d.idx AS 'index', f.number AS earlierNumber, (SELECT sum(documents) FROM found) AS total,
         coalesce((SELECT min(e.idx) FROM documents e WHERE e.digest = f.digest AND e.request = f.request),
           (SELECT min(p.idx) FROM recovered_documents p WHERE p.digest = f.digest AND p.number = f.number)) AS earlierIndex
       FROM documents d JOIN found f ON f.digest = d.digest
       WHERE d.request = @request AND d.idx <= @last ORDER BY d.idx LIMIT ${earlierNamed}`,
    )
    .all({ request, last, before: number });
  const earlier = rows.map(({ index, earlierNumber, earlierIndex }) => ({ earlierIndex, earlierNumber, index }));
  return { earlier, earlierCount: rows[0]?.total ?? 0 };
}

interface EarlierRow {
  readonly index: number;
  readonly earlierNumber: number;
  readonly earlierIndex: number;
  readonly total: number;
}

interface Asked {
  readonly request: number;
  readonly last: number;
  readonly before: number;
}
