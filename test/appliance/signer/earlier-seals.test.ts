/** SEAL-ONCE: earlier seals of a batch's documents, found in rows as the signer's store keeps them. */

import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { countEarlier, earlierSeals, heldDigests } from "../../../appliance/signer/earlier-seals.ts";
import { schema } from "../../../appliance/signer/schema.ts";
import type { Db } from "../../../appliance/signer/store.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";

let db: Db;
beforeEach(() => {
  db = new Database(":memory:");
  for (const statement of schema) db.exec(statement);
  db.pragma("foreign_keys = OFF");
});
afterEach(() => db.close());

/** A request's list, and its manifest when it has one; all of its documents are signed when it has a number. */
function list(request: number, texts: readonly string[], number?: number, outcome?: "sealed" | "aborted"): void {
  const document = db.prepare("INSERT INTO documents (request, idx, name, digest, size) VALUES (?, ?, ?, ?, 0)");
  const signature = db.prepare(
    "INSERT INTO signatures (number, idx, signer_info, seal_digest) VALUES (?, ?, x'', x'')",
  );
  db.transaction(() => {
    for (const [at, text] of texts.entries()) {
      document.run(request, at + 1, `${at}`, sha256(utf8(text)));
      if (number !== undefined) signature.run(number, at + 1);
    }
    if (number === undefined) return;
    db.prepare(
      `INSERT INTO reservations (number, request, challenge, policy, suite, audit_suite, sequence, certificates)
       VALUES (?, ?, ?, 1, '', '', ?, '')`,
    ).run(number, request, request, number);
    if (outcome) {
      db.prepare("INSERT INTO manifests (number, outcome, content_digest, p7m) VALUES (?, ?, ?, x'')").run(
        number,
        outcome,
        sha256(utf8(`${number}`)),
      );
    }
  })();
}

it("SEAL-ONCE: each document is named with its first earlier seal; aborted and open batches and the own do not count", () => {
  list(1, ["a", "b"], 2, "sealed");
  list(2, ["x", "b", "c", "b"], 1, "sealed");
  list(3, ["d"], 3, "aborted");
  list(4, ["e"]);
  list(5, ["b", "a", "d", "e", "f", "f", "b", "c"], 4);
  expect(countEarlier(db, 5)).toBe(4);
  expect(earlierSeals(db, { number: 4, request: 5 })).toEqual({
    earlier: [
      { index: 1, earlierNumber: 1, earlierIndex: 2 },
      { index: 2, earlierNumber: 2, earlierIndex: 1 },
      { index: 7, earlierNumber: 1, earlierIndex: 2 },
      { index: 8, earlierNumber: 1, earlierIndex: 3 },
    ],
    earlierCount: 4,
  });
  expect(earlierSeals(db, { number: 1, request: 2 })).toEqual({ earlier: [], earlierCount: 0 });
});

it("SEAL-ONCE: of 20,000 equal documents the digest is looked up once in each batch that holds it", () => {
  const empty = new Array<string>(20_000).fill("");
  list(1, empty, 1, "aborted");
  list(2, empty, 2, "sealed");
  list(3, empty);
  list(4, empty, 3);
  const held = db.prepare(`${heldDigests} SELECT request FROM held`).pluck().all({ request: 4, last: 20_000 });
  expect(held).toEqual([1, 2, 3, 4, null]);
  const lookups = db
    .prepare<[{ request: number; last: number }], { detail: string }>(
      `EXPLAIN QUERY PLAN ${heldDigests} SELECT request FROM held`,
    )
    .all({ request: 4, last: 20_000 })
    .filter(({ detail }) => /\be\b/.test(detail));
  expect(lookups.map(({ detail }) => detail)).toEqual([
    "SEARCH e USING COVERING INDEX documents_by_digest (digest=?)",
    "SEARCH e USING COVERING INDEX documents_by_digest (digest=? AND request>?)",
  ]);
  expect(countEarlier(db, 4)).toBe(20_000);
  const { earlier, earlierCount } = earlierSeals(db, { number: 3, request: 4 });
  expect([earlier.length, earlierCount]).toEqual([1000, 20_000]);
  expect(earlier.at(-1)).toEqual({ index: 1000, earlierNumber: 2, earlierIndex: 1 });
});
