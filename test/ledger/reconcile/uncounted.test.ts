/** Manifests that the signer's journal does not know of, though it should. Pure. */

import { expect, it } from "vitest";
import type { EnrolledBox } from "../../../ledger/boxes/enrolled.ts";
import { againstJournal, keyCounts } from "../../../ledger/reconcile/against-signer.ts";
import type { Book, BookedManifest } from "../../../ledger/reconcile/books.ts";
import { readSignerJournal } from "../../../ledger/reconcile/signer-journal.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { journalRows, type RowPlan } from "./journal-rows.ts";

const now = "2026-11-22T12:00:00Z";
const genesis = "9e".repeat(32);
const key = "5e".repeat(32);
const attempt: RowPlan = ["attempt", { attempt: 1, intents: 0, network: "absent", number: 1, sealed: 0 }];
const concluded: RowPlan = ["manifest", { number: 1, outcome: "sealed", sealed: 1 }];
const rows = journalRows([attempt, concluded, ...Array.from({ length: 198 }, (): RowPlan => ["status", {}])]);
const journal = readSignerJournal(utf8(JSON.stringify({ rows })));
const manifest = (number: number, change: Partial<BookedManifest>): BookedManifest => ({
  auditKey: "aa".repeat(32),
  created: "2026-11-20T11:00:00Z",
  journal: { head: journal.digests.get(1) ?? "", sequence: 1 },
  mode: "offline",
  number,
  outcome: "sealed",
  row: number,
  seals: 1,
  sealingKey: key,
  submitter: { key: "bb".repeat(32), name: "Submitter" },
  ...change,
});

it("LEDGER-ANSWER: seals that the signer never counted: of a number without row, and of one whose row the journal should have", () => {
  const named = (sequence: number) => ({ head: journal.digests.get(sequence) ?? "ff".repeat(32), sequence });
  const lines = (change: Partial<BookedManifest>, of = journal) => {
    const manifests = [manifest(1, {}), manifest(2, { seals: 5000, ...change })];
    const book: Book = {
      appliance: "box-1",
      box: { genesis, gapHours: 72 } as EnrolledBox,
      disputes: [],
      manifests,
      missing: [],
    };
    return againstJournal(book, of, now).map(({ explained, number, text, what }) => [what, number, explained, text]);
  };
  const uncounted = ["journal", 2, false, expect.stringContaining("counted none of its 5000 seals")];
  expect(lines({ journal: named(20) })).toEqual([uncounted]);
  expect(lines({ journal: named(200) })).toEqual([uncounted]);
  expect(lines({ journal: named(99_999) })).toEqual([["journal", 2, false, expect.stringContaining("row 99999")]]);
  expect(lines({ number: 1, journal: named(99_999), created: "2026-12-01T00:00:00Z" })).toContainEqual([
    "journal",
    1,
    false,
    expect.stringContaining("its own row"),
  ]);
  expect(lines({ journal: named(201), created: "2026-11-20T12:00:01Z" })).toEqual([
    ["journal", null, true, expect.stringContaining("after row 200")],
  ]);
  const late = { ...journal, from: 30, digests: new Map([...journal.digests].filter(([at]) => at >= 30)) };
  expect(lines({ journal: named(29) }, late)).toEqual([
    ["journal", null, true, expect.stringContaining("before row 30")],
  ]);
  expect(lines({ journal: named(30) }, late)).toEqual([uncounted]);
});

it("LEDGER-ANSWER: 20,000 manifests of one key are looked through once", () => {
  const many = Array.from({ length: 20_000 }, (_, at) => manifest(at + 1, {}));
  const book = { appliance: null, box: { genesis } as EnrolledBox, disputes: [], missing: [] };
  const before = performance.now();
  expect(keyCounts({ ...book, manifests: many }, undefined, undefined)).toMatchObject([{ manifests: 20_000 }]);
  // Copied for each it took more than ten seconds.
  expect(performance.now() - before).toBeLessThan(8000);
});
