/** The checker itself: on a box that keeps its promises it says nothing; with each promise broken on purpose it says which. */

import "./file-effects.ts";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";
import { rightPin } from "../appliance/signer/fake-hsm.ts";
import { changeLastByte } from "../host/change-file.ts";
import { type BoxAtRest, breaches } from "./check-box.ts";
import { DaemonJourney } from "./daemon-journey.ts";
import { SignerJourney } from "./signer-journey.ts";
import { Told } from "./told.ts";

let signer: SignerJourney;
let daemon: DaemonJourney;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-sabotage-"));
  signer = await SignerJourney.make([
    { end: "sealed", count: 3 },
    { end: "rejected", count: 1 },
    { end: "sealed", count: 2 },
  ]);
  await signer.run();
  daemon = await DaemonJourney.make("released");
  await daemon.run();
});

afterAll(async () => {
  signer.remove();
  await daemon.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** The box with its record changed by SQL, in a copy. */
async function edited(box: BoxAtRest, ...statements: readonly string[]): Promise<BoxAtRest> {
  const copy = join(mkdtempSync(join(folder, "store-")), "store.db");
  await box.db.backup(copy);
  const db = new Database(copy);
  db.pragma("foreign_keys = OFF");
  for (const name of db.prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all()) {
    db.exec(`DROP TRIGGER ${name}`);
  }
  for (const statement of statements)
    if (db.prepare(statement).run().changes === 0) throw new Error(`changed nothing: ${statement}`);
  return { ...box, db };
}

type Head = NonNullable<BoxAtRest["token"]["head"]>;

function withHead(
  box: BoxAtRest,
  change: (head: { counter: number; sequence: number; head: string }) => object,
): BoxAtRest {
  const { counter, content } = box.token.head as Head;
  const value = JSON.parse(fromUtf8(content)) as { counter: number; sequence: number; head: string };
  const changed = { ...value, ...change(value) };
  return {
    ...box,
    token: {
      ...box.token,
      head: {
        counter: changed.counter === value.counter ? counter : changed.counter,
        content: utf8(JSON.stringify(changed)),
      },
    },
  };
}

/** What was told, and something more. */
function told(box: BoxAtRest, change: (of: ReturnType<Told["of"]>, end: string | undefined) => void): BoxAtRest {
  const more = new Told();
  for (const [digest, of] of box.told.all) {
    Object.assign(more.of(digest), of);
    change(more.of(digest), of.ending);
  }
  return { ...box, told: more };
}

const records: readonly (readonly [
  promise: string,
  how: string,
  sabotage: (box: BoxAtRest) => BoxAtRest | Promise<BoxAtRest>,
])[] = [
  [
    "CHAIN",
    "a journal row edited",
    (box) => edited(box, "UPDATE journal SET record = replace(record, 'box-1', 'box-2') WHERE sequence = 1"),
  ],
  [
    "CHAIN",
    "the journal cut off before the last manifest",
    (box) =>
      edited(
        box,
        "DELETE FROM journal WHERE sequence >= (SELECT max(sequence) FROM journal WHERE kind = 'manifest')",
        "DELETE FROM releases WHERE number = 2",
      ),
  ],
  ["CHAIN", "a manifest lost", (box) => edited(box, "DELETE FROM manifests WHERE number = 1")],
  [
    "CHAIN",
    "two manifests exchanged",
    (box) => edited(box, "UPDATE manifests SET p7m = (SELECT p7m FROM manifests WHERE number = 2) WHERE number = 1"),
  ],
  ["CHAIN", "a gap in the numbers", (box) => edited(box, "UPDATE reservations SET number = 5 WHERE number = 2")],
  ["CHAIN", "no head in the token", (box) => ({ ...box, token: { ...box.token, head: undefined } })],
  ["CHAIN", "an older head in the token", (box) => withHead(box, ({ counter }) => ({ counter: counter - 1 }))],
  ["CHAIN", "a head that moved without the store", (box) => withHead(box, ({ counter }) => ({ counter: counter + 1 }))],
  ["CHAIN", "a head ahead of the store", (box) => withHead(box, () => ({ sequence: 9999 }))],
  ["CHAIN", "a head of another journal", (box) => withHead(box, () => ({ head: "00".repeat(32) }))],
  [
    "CHAIN",
    "a head that covers no manifest",
    (box) =>
      withHead(box, () => ({
        sequence: 1,
        head: Buffer.from(
          box.db.prepare<[], Uint8Array>("SELECT digest FROM journal WHERE sequence = 1").pluck().get() as Uint8Array,
        ).toString("hex"),
      })),
  ],
  [
    "CHAIN",
    "another genesis in the token",
    (box) => ({ ...box, token: { ...box.token, genesis: new Uint8Array(32) } }),
  ],
  [
    "INTENT-FIRST",
    "the token signed what was never stored",
    (box) => ({ ...box, token: { ...box.token, sealed: [...(box.token.sealed ?? []), utf8("unknown")] } }),
  ],
  [
    "INTENT-FIRST",
    "a document signed under two sets of attributes",
    (box) => ({
      ...box,
      token: {
        ...box.token,
        sealed: [
          ...(box.token.sealed ?? []),
          Uint8Array.from(box.token.sealed?.[0] ?? [], (byte, at) => (at === 60 ? byte ^ 1 : byte)),
        ],
      },
    }),
  ],
  ["INTENT-FIRST", "a seal without intent", (box) => edited(box, "DELETE FROM intents WHERE number = 1 AND idx = 2")],
  [
    "INTENT-FIRST",
    "one intent for two documents",
    (box) =>
      edited(
        box,
        "UPDATE intents SET attributes = (SELECT attributes FROM intents WHERE number = 1 AND idx = 1) WHERE number = 1 AND idx = 2",
      ),
  ],
  [
    "SEAL-ONCE",
    "one batch sealed twice",
    (box) => edited(box, "UPDATE requests SET identity = (SELECT min(identity) FROM requests)"),
  ],
  [
    "SEAL-ONCE",
    "a sealed batch that is not in the register",
    (box) => edited(box, "DELETE FROM register WHERE number = 1"),
  ],
  [
    "SEAL-ONCE",
    "a document of a sealed batch without seal",
    (box) => edited(box, "DELETE FROM signatures WHERE number = 1 AND idx = 2"),
  ],
  ["QUORUM", "a number for a batch that nobody approved", (box) => ({ ...box, approved: new Set() })],
  [
    "QUORUM",
    "one person where two are needed",
    (box) => edited(box, "UPDATE authorizations SET approvers = json_array(json_extract(approvers, '$[0]'))"),
  ],
  ["QUORUM", "a number without authorisation", (box) => edited(box, "DELETE FROM authorizations")],
  [
    "QUORUM",
    "a nonce used twice",
    (box) =>
      edited(
        box,
        "INSERT INTO journal SELECT 9999, time, kind, record, previous, zeroblob(32) FROM journal WHERE kind = 'reserved' LIMIT 1",
      ),
  ],
  [
    "NOTHING-LOST",
    "an accepted batch that the record does not know",
    (box) => edited(box, "UPDATE requests SET batch_digest = zeroblob(32) WHERE id = 1"),
  ],
  [
    "NOTHING-LOST",
    "seals that were told and are not there",
    (box) =>
      told(box, (of) => {
        of.sealed += 1;
      }),
  ],
  [
    "NOTHING-LOST",
    "another number than was told",
    (box) =>
      told(box, (of) => {
        if (of.result) of.result = { ...of.result, number: of.result.number + 1 };
      }),
  ],
  [
    "NOTHING-LOST",
    "an abort that was told and not obeyed",
    (box) =>
      told(box, (of) => {
        of.ending ??= "aborted";
      }),
  ],
  ["NOTHING-LOST", "a rejection that was lost", (box) => edited(box, "DELETE FROM endings")],
  [
    "NOTHING-LOST",
    "an authorisation that was lost",
    (box) => edited(box, "DELETE FROM authorizations WHERE challenge = 1"),
  ],
  ["NOTHING-LOST", "a release that was lost", (box) => edited(box, "DELETE FROM releases WHERE number = 1")],
  [
    "NOTHING-LOST",
    "a batch that never ended",
    (box) =>
      edited(
        box,
        "DELETE FROM manifests WHERE number = 2",
        "DELETE FROM register WHERE number = 2",
        "DELETE FROM releases WHERE number = 2",
      ),
  ],
  [
    "NOTHING-LOST",
    "a batch both sealed and ended by a person",
    (box) => edited(box, "INSERT INTO endings SELECT 1, kind, p7m, person, name, reason, time FROM endings LIMIT 1"),
  ],
  [
    "CHECKED-OUT",
    "a receipt that is another when exported again",
    (box) => {
      let asked = 0;
      return {
        ...box,
        receipt: async (number) =>
          asked++ % 2 === 0 ? box.receipt(number) : new Map([...(await box.receipt(number)), ["more", utf8("x")]]),
      };
    },
  ],
  [
    "CHECKED-OUT",
    "a receipt that does not verify",
    (box) => ({
      ...box,
      receipt: async (number) => new Map([...(await box.receipt(number)), ["documents.jsonl", utf8("{}\n")]]),
    }),
  ],
];

/** The box with its stick and spool in copies, changed; paths below the folder that holds both. */
function moved(
  box: BoxAtRest,
  change: (stick: string, spool: string) => void,
  more: Partial<BoxAtRest> = {},
): BoxAtRest {
  const at = mkdtempSync(join(folder, "files-"));
  const [[stick, expected] = ["", new Map()]] = box.sticks ?? [];
  cpSync(stick, join(at, "stick"), { recursive: true });
  cpSync(box.spool?.path ?? "", join(at, "spool"), { recursive: true });
  change(join(at, "stick"), join(at, "spool"));
  return {
    ...box,
    spool: { path: join(at, "spool"), waiting: [] },
    sticks: new Map([[join(at, "stick"), expected]]),
    secrets: { values: [utf8(rightPin)], folders: [at] },
    ...more,
  };
}

const answer = (stick: string, ...names: readonly string[]) => join(stick, "coldseal/outbox/contracts", ...names);

const files: readonly (readonly [promise: string, how: string, sabotage: (box: BoxAtRest) => BoxAtRest])[] = [
  [
    "CHECKED-OUT",
    "a changed byte on the stick",
    (box) => moved(box, (stick) => changeLastByte(answer(stick, "seals/0000/000001-d0.txt.p7s"))),
  ],
  [
    "CHECKED-OUT",
    "half an answer under its final name",
    (box) => moved(box, (stick) => rmSync(answer(stick, "manifest.p7m"))),
  ],
  [
    "CHECKED-OUT",
    "an answer that is not there",
    (box) => moved(box, (stick) => rmSync(answer(stick), { recursive: true })),
  ],
  [
    "CHECKED-OUT",
    "an answer that nobody asked for",
    (box) => moved(box, (stick) => mkdirSync(join(stick, "coldseal/outbox/other"))),
  ],
  [
    "CHECKED-OUT",
    "files under a temporary name",
    (box) =>
      moved(box, (stick) =>
        cpSync(answer(stick), join(stick, "coldseal/outbox/.partial-0123abcd/contracts"), { recursive: true }),
      ),
  ],
  [
    "CHECKED-OUT",
    "a receipt where a refusal belongs",
    (box) => {
      const changed = moved(box, () => undefined);
      return {
        ...changed,
        sticks: new Map(
          [...(changed.sticks ?? [])].map(([stick]) => [stick, new Map([["contracts", "refusal" as const]])]),
        ),
      };
    },
  ],
  [
    "CHECKED-OUT",
    "a refusal without the rejection that ended the batch",
    (box) => {
      const changed = moved(box, (stick) => {
        rmSync(answer(stick), { recursive: true });
        mkdirSync(answer(stick));
        writeFileSync(answer(stick, "refusal.json"), "{}");
      });
      const sticks = [...(changed.sticks ?? [])].map(
        ([stick]) => [stick, new Map([["contracts", "rejection" as const]])] as const,
      );
      return { ...changed, sticks: new Map(sticks) };
    },
  ],
  [
    "NOTHING-LOST",
    "a copy left in the spool",
    (box) => moved(box, (_, spool) => mkdirSync(join(spool, "batches", "ab".repeat(32)))),
  ],
  [
    "NOTHING-LOST",
    "a half copy left in the spool",
    (box) => moved(box, (_, spool) => mkdirSync(join(spool, "incoming/0123"))),
  ],
  [
    "NOTHING-LOST",
    "a temporary file left in the spool",
    (box) => moved(box, (_, spool) => writeFileSync(join(spool, ".tmp-0123456789abcdef"), "")),
  ],
  [
    "NOTHING-LOST",
    "a waiting batch without its copy",
    (box) => {
      const changed = moved(box, () => undefined);
      return { ...changed, spool: { path: changed.spool?.path ?? "", waiting: ["cd".repeat(32)] } };
    },
  ],
  [
    "SECRET",
    "the PIN in a file",
    (box) => moved(box, (_, spool) => writeFileSync(join(spool, "answered.json"), `{"${rightPin}"}`)),
  ],
];

describe("the checker of all promises", () => {
  it("NOTHING-LOST: says nothing of boxes that keep their promises", async () => {
    expect(await breaches(signer.atRest())).toEqual([]);
    expect(await breaches(await edited(signer.atRest()))).toEqual([]);
    expect(await breaches(moved(daemon.atRest(), () => undefined))).toEqual([]);
  });

  it.each(records)("%s: finds %s", async (promise, _, sabotage) => {
    const found = await breaches(await sabotage(signer.atRest()));
    expect(found.map(([broken]) => broken)).toContain(promise);
  });

  it.each(files)("%s: finds %s", async (promise, _, sabotage) => {
    const found = await breaches(sabotage(daemon.atRest()));
    expect(found.map(([broken]) => broken)).toContain(promise);
  });
});
