/** Where a ledger's settings say so, nothing is signed before a backup holds it, and so nothing is cosigned, published or acknowledged: what opens a published entry is never in one place alone. */

import type { TreeHead } from "../../manifests/log/tree-proof.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type BackedUp, headBackedUp } from "../backup/backed-up.ts";
import type { Sql } from "../store/database.ts";

export interface MayBeSigned {
  /** what may be brought out; undefined: nothing more than was signed before */
  readonly head: TreeHead | undefined;
  /** null: all that is stored is backed up */
  readonly waiting: Refusal | null;
}

/** Of what is stored by now, by the newest backup of it; null: there is none. Refuses STORE, LOG-RECORD. */
export async function backedUpOf(sql: Sql, stored: TreeHead, newest: BackedUp | null): Promise<MayBeSigned> {
  const head = newest === null ? undefined : await headBackedUp(sql, newest);
  const size = head?.size ?? 0;
  const waiting = size >= stored.size ? null : unbacked(stored.size, newest, size);
  const signed = await sql.get<{ size: number | null }>("SELECT max(size) AS size FROM checkpoints");
  // What was signed before it had to wait is not signed again as less.
  return { head: head !== undefined && size > 0 && size >= (signed?.size ?? 0) ? head : undefined, waiting };
}

function unbacked(stored: number, newest: BackedUp | null, size: number): Refusal {
  const other = newest !== null && size === 0 && newest.size > 0 ? ", which is of another history than this store" : "";
  return new Refusal(
    "UNBACKED",
    "what is stored is not in a backup yet: by this ledger's settings it is not published before",
    {
      expected: `a backup of ${stored} entries`,
      got: newest === null ? "none" : `one of ${newest.size}, made ${newest.made}${other}`,
      ...(newest === null ? {} : { about: newest.to }),
    },
  );
}
