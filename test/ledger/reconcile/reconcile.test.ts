/** What does not add up has a line: the ledger's seals, the signer's journal, the HSM's count and a desk's folders, each with one thing more or less. */

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { enrolledBoxes } from "../../../ledger/boxes/enrolled.ts";
import { readDesks } from "../../../ledger/reconcile/desk-folders.ts";
import { type HsmCount, readHsmLog } from "../../../ledger/reconcile/hsm-log.ts";
import { type Others, reconcile, reconcileFolders } from "../../../ledger/reconcile/reconcile.ts";
import { readSignerJournal, type SignerJournal } from "../../../ledger/reconcile/signer-journal.ts";
import type { Database } from "../../../ledger/store/database.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { refusalFileBytes } from "../../../manifests/records/refusal-record.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, layBundle, outboxOf, type Stick } from "../../bundle/chain.ts";
import { audit, oids, sealing } from "../../bundle/people.ts";
import { makeSeal, sealFacts } from "../../bundle/signed.ts";
import { refusalRecord } from "../../manifests/verify/refusal-record.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { type JournalRow, journalRows, type RowPlan } from "./journal-rows.ts";

const now = "2026-11-22T12:00:00Z";
const key = hex(sha256(sealing.spki));

const attempt = (number: number, intents = 0, sealed = 0): RowPlan => [
  "attempt",
  { attempt: 1, intents, network: "absent", number, sealed },
];
const concluded = (number: number, sealed = 1): RowPlan => ["manifest", { number, outcome: "sealed", sealed }];
/** Three numbers of one seal each; what a manifest names is its attempt's row. */
const plan: readonly RowPlan[] = [1, 2, 3].flatMap((number) => [attempt(number), concluded(number)]);
const read = (rows: readonly JournalRow[]) => readSignerJournal(utf8(JSON.stringify({ rows })));

let bundles: readonly Bundle[];
let box: TestLedger;
beforeAll(async () => {
  const rows = journalRows(plan);
  bundles = await chainOf(3, (number) => ({
    manifest: (manifest) => {
      const row = rows[2 * number - 2] as { readonly digest: string; readonly sequence: number };
      return { ...manifest, journal: { head: row.digest, sequence: row.sequence } };
    },
  }));
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
  await box.ingest(outboxOf(bundles));
});
afterAll(() => box.end());

const asked = (others: Others) =>
  box.ledger.db.reading(async (sql) => {
    const all = await enrolledBoxes(sql);
    return reconcile(sql, { all, asked: all }, others, now);
  });
const unexplained = async (others: Others) =>
  (await asked(others)).unexplained.map(({ number, what }) => [what, number]);

const hsm = (signatures: number, change: Partial<HsmCount> = {}) =>
  readHsmLog(
    utf8(
      JSON.stringify({
        counts: [
          { explained: [], from: "2026-11-01T00:00:00Z", key, signatures, to: "2026-11-21T00:00:00Z", ...change },
        ],
        source: "counter of the device",
        type: "hsm-signatures",
        version: 1,
      }),
    ),
  );

describe("what signer and HSM counted", () => {
  it("LEDGER-ANSWER: nothing is unexplained where all count the same", async () => {
    const answer = await asked({ journal: read(journalRows(plan)), hsm: hsm(3) });
    expect(answer).toMatchObject({ unexplained: [], explained: [] });
    expect(answer.boxes).toMatchObject([
      { seals: 3, keys: [{ key, seals: 3, signer: { least: 3, most: 3 }, hsm: { signatures: 3 } }] },
    ]);
  });

  it("LEDGER-ANSWER: a signature more, and one fewer, than there are seals", async () => {
    expect(await unexplained({ hsm: hsm(4) })).toEqual([["hsm", null]]);
    expect(await unexplained({ hsm: hsm(2) })).toEqual([["hsm", null]]);
    const { explained, unexplained: left } = await asked({
      hsm: hsm(5, { explained: [{ reason: "the key's own proof, and its request", signatures: 2 }] }),
    });
    expect([left, explained]).toEqual([[], [expect.objectContaining({ what: "hsm" })]]);
    expect(await unexplained({ hsm: hsm(1, { from: "2026-11-20T12:02:30Z" }) })).toEqual([]);
    expect(await unexplained({ hsm: hsm(7, { key: "ab".repeat(32) }) })).toEqual([["hsm", null]]);
  });

  it("LEDGER-ANSWER: what a crash had signed twice stands in the signer's journal, and explains as many", async () => {
    const crashed = read(journalRows([...plan.slice(0, 5), attempt(3, 1, 0), concluded(3)]));
    expect(await unexplained({ journal: crashed, hsm: hsm(4) })).toEqual([]);
    expect(await unexplained({ journal: crashed, hsm: hsm(5) })).toEqual([["hsm", null]]);
    expect((await asked({ journal: crashed })).boxes[0]?.keys[0]?.signer).toEqual({ least: 3, most: 4 });
  });

  it("LEDGER-ANSWER: the audit key signs more than comes into the ledger, and not less than its manifests", async () => {
    const by = { key: hex(sha256(audit.spki)) };
    expect((await asked({ hsm: hsm(9, by) })).explained).toMatchObject([{ what: "audit-key" }]);
    expect(await unexplained({ hsm: hsm(2, by) })).toEqual([["audit-key", null]]);
  });

  it("LEDGER-ANSWER: a number that the signer sealed and of which nothing came, and one with another count", async () => {
    const more = journalRows([...plan, attempt(4), concluded(4, 2)], "2026-11-10T12:00:00Z");
    const rehead = (rows: readonly JournalRow[]): SignerJournal => {
      const journal = read(rows);
      const digests = new Map(
        bundles.map(
          ({
            manifest: {
              journal: { head, sequence },
            },
          }) => [sequence, head],
        ),
      );
      return { ...journal, digests };
    };
    expect(await unexplained({ journal: rehead(more) })).toEqual([["signatures", 4]]);
    const fresh = journalRows([...plan, attempt(4), concluded(4, 2)], "2026-11-22T11:00:00Z");
    expect((await asked({ journal: rehead(fresh) })).explained).toMatchObject([{ what: "signatures", number: 4 }]);
    expect(await unexplained({ journal: read(journalRows([...plan.slice(0, 5), concluded(3, 2)])) })).toEqual([
      ["signatures", 3],
    ]);
  });

  it("CHAIN: a journal that was changed, has a row missing, or is another box's", async () => {
    const rows = journalRows(plan);
    const changed = rows.map((row) =>
      row.sequence === 2 ? { ...row, record: { number: 1, outcome: "sealed", sealed: 9 } } : row,
    );
    expect(() => read(changed)).toThrow(expect.objectContaining({ code: "CHAIN" }));
    expect(() => read(rows.filter(({ sequence }) => sequence !== 3))).toThrow(
      expect.objectContaining({ code: "CHAIN" }),
    );
    const journal = read(journalRows([["started", {}], ...plan]));
    await expect(asked({ journal })).rejects.toMatchObject({ code: "CHAIN" });
    expect(readSignerJournal(utf8(rows.map((row) => `${JSON.stringify(row)}\n`).join(""))).counts.size).toBe(3);
  });

  it("SHAPE: ranges of an HSM's count that overlap or end before they begin", () => {
    expect(() => hsm(1, { to: "2026-10-01T00:00:00Z" })).toThrow(expect.objectContaining({ code: "SHAPE" }));
  });
});

describe("what lies at the desk", () => {
  const seal = (number: number) =>
    [...(bundles[number - 1] as Bundle).files].find(([path]) => path.startsWith("seals/")) as [string, Uint8Array];
  /** All batches with their documents, as a desk has them; `change` makes it another. */
  const desk = (name: string, change: (files: Stick) => void = () => undefined) => {
    const files: Stick = new Map();
    for (const bundle of bundles) {
      const { documents, manifest } = bundle;
      layBundle(files, `answers/batch-${manifest.number}`, bundle);
      for (const [document, bytes] of documents)
        files.set(`batches/batch-${manifest.number}/documents/${document}`, bytes);
      files.set(`batches/batch-${manifest.number}/batch.p7m`, bundle.files.get("batch.p7m") as Uint8Array);
    }
    change(files);
    return box.stick(files, name);
  };
  const held = async (folder: string) => ({ desk: await readDesks([folder], [oids]) });

  it("LEDGER-ANSWER: nothing is unexplained where every document has its seal, and every seal its document", async () => {
    const answer = await asked(await held(desk("whole")));
    expect(answer).toMatchObject({
      unexplained: [],
      explained: [],
      desk: { documents: 3, sealedDocuments: 3, seals: 3, knownSeals: 3 },
    });
  });

  it("LEDGER-ANSWER: a document without seal; not one that was refused, or has no answer yet", async () => {
    const folder = desk("bare", (files) => {
      files.set("batches/late/batch.p7m", utf8("x"));
      files.set("batches/late/documents/late.pdf", utf8("late"));
      files.set("batches/bad/batch.p7m", utf8("x"));
      files.set("batches/bad/documents/bad.pdf", utf8("bad"));
      files.set("answers/bad/refusal.json", refusalFileBytes({ ...refusalRecord, signed: false }));
      files.set("loose/none.pdf", utf8("nobody sealed this"));
    });
    const { explained, unexplained: left } = await asked(await held(folder));
    expect(left).toMatchObject([{ what: "document-without-seal", file: join(folder, "loose/none.pdf") }]);
    expect(explained.map(({ text }) => text)).toEqual([
      expect.stringMatching(/its batch was refused [A-Z-]+$/),
      expect.stringMatching(/no answer yet/),
    ]);
  });

  it("LEDGER-ANSWER: a refusal explains the batch that it names, and none that only has the same folder's name", async () => {
    const request = (number: number) => (bundles[number - 1] as Bundle).files.get("batch.p7m") as Uint8Array;
    const digestOf = (number: number) => (bundles[number - 1] as Bundle).manifest.request.digest;
    const refused = (batchDigest: string | null) =>
      refusalFileBytes({ ...refusalRecord, reported: { ...refusalRecord.reported, batchDigest }, signed: false });
    const left = async (name: string, files: readonly (readonly [string, Uint8Array])[]) => {
      const folder = box.stick(new Map(files), name);
      const facts = await readDesks([join(folder, "a"), join(folder, "b")], [oids]);
      return (await unexplained({ desk: facts })).filter(([what]) => what === "document-without-seal").length;
    };
    const waiting = [
      ["b/inbox/0001/batch.p7m", request(1)],
      ["b/inbox/0001/documents/x.pdf", utf8("nobody sealed this")],
    ] as const;
    const sealed = [
      ["a/none", utf8("")],
      ["b/outbox/0001/manifest.p7m", (bundles[0] as Bundle).files.get("manifest.p7m") as Uint8Array],
    ] as const;
    const bare = 1; // a/none
    expect(await left("named", [...waiting, ...sealed, ["a/outbox/0001/refusal.json", refused(null)]])).toBe(1 + bare);
    expect(await left("other", [...waiting, ...sealed, ["a/outbox/0001/refusal.json", refused(digestOf(2))]])).toBe(
      1 + bare,
    );
    expect(await left("both", [...waiting, ...sealed, ["a/outbox/0001/refusal.json", refused(digestOf(1))]])).toBe(
      1 + bare,
    );
    const others = [
      ["a/inbox/0001/batch.p7m", request(2)],
      ["a/outbox/0001/refusal.json", refused(null)],
    ] as const;
    expect(await left("two", [...waiting, ...others])).toBe(1);
    expect(await left("own", [...waiting, ["a/answers/9/refusal.json", refused(digestOf(1))]])).toBe(0);
    expect(await left("apart", [...waiting, ["a/0001/refusal.json", refused(null)]])).toBe(0);
  });

  it("LEDGER-ANSWER: while a desk is read, nothing of the store is held", async () => {
    let open = 0;
    const db: Pick<Database, "reading"> = {
      reading: async (read) => {
        open += 1;
        try {
          return await box.ledger.db.reading(read);
        } finally {
          open -= 1;
        }
      },
    };
    const answer = await reconcileFolders(
      db,
      "box-1",
      { folders: [desk("apart-from")] },
      () => now,
      (...given) => {
        expect(open).toBe(0);
        return readDesks(...given);
      },
    );
    expect(answer).toMatchObject({ unexplained: [], desk: { documents: 3, knownSeals: 3 } });
    await expect(reconcileFolders(db, "box-9", { folders: ["/nowhere"] }, () => now)).rejects.toMatchObject({
      code: "LEDGER-BOX",
    });
    for (const folder of ["/nowhere", "/etc/passwd"])
      await expect(reconcileFolders(db, undefined, { folders: [folder] }, () => now)).rejects.toMatchObject({
        code: "USAGE",
        about: folder,
      });
  });

  it("LEDGER-ANSWER: a seal without document, and seals that are not at the desk", async () => {
    const folder = desk("lost", (files) => {
      files.delete("batches/batch-1/documents/contract 1.pdf");
      files.delete(`answers/batch-2/${seal(2)[0]}`);
    });
    expect(await unexplained(await held(folder))).toEqual([
      ["seal-without-document", 1],
      ["seals-not-at-desk", 2],
    ]);
  });

  it("LEDGER-ANSWER: a seal that no manifest lists, of another box, or that cannot be read; and a link is followed nowhere", async () => {
    const documentDigest = sha256(utf8("%PDF-1.7 2"));
    const forged = await makeSeal(sealFacts({ documentDigest, number: 2, signingTime: "2026-11-20T12:00:01Z" }));
    const beyond = await makeSeal(sealFacts({ documentDigest, number: 9 }));
    const foreign = await makeSeal(sealFacts({ documentDigest, appliance: "box-9" }));
    const folder = desk("more", (files) => {
      files.set("loose/copy.p7s", seal(2)[1]);
      files.set("loose/forged.p7s", forged.file);
      files.set("loose/beyond.p7s", beyond.file);
      files.set("loose/foreign.p7s", foreign.file);
      files.set("loose/garbage.p7s", utf8("no seal"));
    });
    symlinkSync("/etc/passwd", join(folder, "loose/link.pdf"));
    const { unexplained: left } = await asked(await held(folder));
    expect(left.map(({ file, what }) => [what, file?.slice(folder.length + 7)]).sort()).toEqual([
      ["seal", "beyond.p7s"],
      ["seal", "forged.p7s"],
      ["seal-of-another-box", "foreign.p7s"],
      ["unread", "garbage.p7s"],
      ["unread", "link.pdf"],
    ]);
  });

  it("LEDGER-ANSWER: a batch with 20,000 seals is looked through once", async () => {
    const seals = Array.from({ length: 20_000 }, (_, at) => {
      return { appliance: "box-1", digest: "ab".repeat(32), file: `${at}.p7s`, index: 1, number: 1 };
    });
    const before = performance.now();
    const { unexplained: left } = await asked({ desk: { ...(await readDesks([], [oids])), seals } });
    expect(left.filter(({ what }) => what === "seal")).toHaveLength(20_000);
    expect(performance.now() - before).toBeLessThan(8000);
  });
});
