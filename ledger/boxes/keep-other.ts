/** Keeping a refusal, closing record, transcript or custody log that holds: its file, its row, its entry. Within one transaction. */

import { fromHex, hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";
import type { Append } from "./chain-manifest.ts";
import { linked, nextId } from "./chain-rows.ts";
import type { HeldOther } from "./check-others.ts";
import { evidencePieces, keepBytes } from "./evidence.ts";
import { isVouchedFor } from "./vouched-for.ts";

export type TakenOther =
  | { readonly kind: "entered"; readonly entry: number }
  | { readonly kind: "known" }
  /** a custody log that no transcript which is here names: left, as anybody may have written it */
  | { readonly kind: "unvouched" };

/**
 * Takes one; the same content again changes nothing, and a custody log that nobody vouches for is left. Refuses CLOSING a closing record that lists another manifest than the one that is in the chain, CHAIN a custody log
 * that does not go on where the one before ended.
 */
export async function takeOther(
  sql: Sql,
  append: Append,
  held: HeldOther,
  bytes: Uint8Array,
  now: Utc,
): Promise<TakenOther> {
  const { about, appliance, created, digest, known, type } = held;
  const { box, genesis } = known.enrolled;
  const same = await sql.get(
    "SELECT entry FROM box_records WHERE box = ? AND type = ? AND digest = ?",
    box,
    type,
    fromHex(digest),
  );
  if (same) return { kind: "known" };
  if (type === "custody") {
    if (await isOlderCustody(sql, box, bytes)) return { kind: "known" };
    if (!(await isVouchedFor(sql, held))) return { kind: "unvouched" };
  }
  await checkListed(sql, box, held);
  const [entry] = await append(sql, [{ appliance, digest, genesis, type, version: 1 }]);
  if (entry === undefined) throw new Refusal("INTERNAL", "a record was appended without an index");
  const record = await nextId(sql, "box_records", "record");
  const file = await keepBytes(sql, bytes);
  const columns = ["record", "box", "type", "digest", "file", "created", "about", "entry", "arrived"];
  const cells = [record, box, type, fromHex(digest), file, created, JSON.stringify(about), entry, now];
  await sql.insert("box_records", columns, [cells]);
  return { kind: "entered", entry };
}

async function checkListed(sql: Sql, box: number, { listed = [] }: HeldOther): Promise<void> {
  for (const { digest, number } of listed) {
    const row = await sql.get<{ digest: Uint8Array }>(
      `SELECT m.digest FROM chain_links l JOIN box_manifests m ON m.manifest = l.manifest WHERE l.box = ? AND l.number = ? AND ${linked}`,
      box,
      number,
    );
    if (!row || hex(row.digest) === digest) continue;
    throw new Refusal(
      "CLOSING",
      `the closing record lists another manifest of number ${number} than the one in the chain`,
      {
        expected: hex(row.digest),
        got: digest,
      },
    );
  }
}

/** A copy of before adds nothing. Refuses CHAIN one that is neither the beginning of the last one nor goes on with it. */
async function isOlderCustody(sql: Sql, box: number, bytes: Uint8Array): Promise<boolean> {
  const last = await sql.get<{ file: Uint8Array }>(
    "SELECT file FROM box_records WHERE box = ? AND type = 'custody' ORDER BY record DESC LIMIT 1",
    box,
  );
  if (!last) return false;
  let at = 0;
  for await (const piece of evidencePieces(sql, last.file)) {
    const same = Math.min(piece.length, bytes.length - at);
    if (!piece.subarray(0, same).every((byte, offset) => byte === bytes[at + offset])) {
      throw new Refusal("CHAIN", "the custody log is another one than the one that was here before", {
        expected: "the same lines, and more",
        got: `another byte at ${at} or after it`,
      });
    }
    at += same;
    if (same < piece.length) return true;
  }
  return at === bytes.length;
}
