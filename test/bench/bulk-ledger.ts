/** A ledger with many entries, loaded in bulk: the rows that appending would make, without looking for each record whether it is there. */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { createLedger, openLedger } from "../../ledger/ledger-folder.ts";
import { grownTiles, withGrown } from "../../ledger/log/grow.ts";
import { insertTiles, tilesIn } from "../../ledger/log/tiles-in-store.ts";
import { moveTree, treeHead } from "../../ledger/log/tree-head.ts";
import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import { leafOver, saltBytes } from "../../manifests/log/entry.ts";
import { rootOf } from "../../manifests/log/tile-tree.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import { origin, recordOf } from "../ledger/a-ledger.ts";
import { pinnedBytes } from "./pinned-bytes.ts";

const atOnce = 25_600;

export async function bulkLedger(folder: string, count: number): Promise<void> {
  await createLedger(folder, origin);
  const ledger = await openLedger(folder);
  try {
    const salts = pinnedBytes("salts", count + saltBytes);
    for (let from = 0; from < count; from += atOnce) {
      await ledger.db.writing(async (sql) => {
        const rows: [number, string, Uint8Array, Uint8Array, string][] = [];
        const leaves: Uint8Array[] = [];
        for (let index = from; index < Math.min(from + atOnce, count); index++) {
          const record = recordOf(index);
          const bytes = canonicalBytes(record as Json);
          const salt = salts.slice(index, index + saltBytes);
          rows.push([index, record.type, salt, sha256(bytes), fromUtf8(bytes)]);
          leaves.push(await leafHash(nodeHost, await leafOver(nodeHost, salt, record.type, bytes)));
        }
        await sql.insert("entries", ["idx", "type", "salt", "content", "record"], rows);
        const { size } = await treeHead(sql);
        const tiles = await grownTiles(tilesIn(sql), size, leaves);
        await insertTiles(sql, tiles);
        const grown = size + leaves.length;
        await moveTree(sql, { size: grown, root: await rootOf(nodeHost, withGrown(tilesIn(sql), tiles), grown) });
      });
    }
  } finally {
    ledger.close();
  }
}
