import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import type { Place } from "../../../ledger/publish/place.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { recordBytes } from "../../../manifests/log/entry.ts";
import { readNote, signatureLine } from "../../../manifests/log/note.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { cosignature, logKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { projectRoot } from "../../structure/source-files.ts";
import { aCopyOf, aLedger, origin, recordOf, recordsFrom, type TestLedger } from "../a-ledger.ts";
import { removeStore } from "../store/engine.ts";
import { tamper } from "../tampering.ts";

let untouched: TestLedger;
beforeAll(async () => {
  untouched = await aLedger();
  let size = 0;
  for (const count of [1, 4, 250, 1, 44]) {
    await untouched.add(recordsFrom(size, count));
    size += count;
    for (const place of untouched.places) await publish(untouched, place, await untouched.checkpoint());
  }
  await keepCheckpoint(untouched);
  // All out of the write-ahead log, so that the file alone can be copied.
  untouched.close();
});
afterAll(() => untouched.end());

/** The checkpoint of 255, as `ledger/checkpoints` keeps it, with a cosignature. */
async function keepCheckpoint(to: TestLedger): Promise<void> {
  const note = await to.checkpoint(255);
  const { root } = readCheckpoint(note);
  const witness = await logKey("witness.example.org", "cosignature/v1");
  const line = signatureLine(cosignature(witness, readNote(note).text, 1_700_000_000));
  await to.db.writing(async (sql) => {
    const time = "2026-01-01T00:00:00Z";
    await sql.insert("checkpoints", ["size", "root", "note", "signed"], [[255, root, note, time]]);
    const vkey = verifierKeyText(witness.vkey);
    await sql.insert("cosignatures", ["size", "witness", "line", "received"], [[255, vkey, line, time]]);
  });
}

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await aCopyOf(untouched);
});
afterEach(() => ledger.end());

const cosigned = (witness: string) => `cosignature of checkpoint 255 by ${witness}`;
const checked = () => checkLedger(ledger, ledger.places);
const found = async () => (await checked()).findings.map(({ where }) => where.replace(`${ledger.dir}/`, ""));
const folderFor = (name: string) => (path: (name: string) => string) => {
  rmSync(path(name));
  mkdirSync(path(name));
};
const first = () => ledger.places[0] as Place;

describe("a ledger that nobody touched", () => {
  it("has no findings, with every width that a tile ever had", async () => {
    expect(await checked()).toMatchObject({ origin, size: 300, count: 0, findings: [] });
    const trust = { log: (await logKey(origin)).vkey, witnesses: [], cosignatures: 0 };
    expect((await checkLedger(ledger, ledger.places, { trust })).findings).toEqual([]);
    const former = { where: "kept 5", note: await ledger.checkpoint(5) };
    expect((await checkLedger(ledger, [], { checkpoints: [former], trust })).findings).toEqual([]);
  });
});

describe("LOG-RECORD: what was changed is found, and named", () => {
  const other = new Uint8Array(32).fill(9);

  it.each([
    [
      "a record",
      "UPDATE entries SET record = ? WHERE idx = 7",
      [Buffer.from(recordBytes(recordOf(999))).toString()],
      "entry 7",
    ],
    ["a record that is none", "UPDATE entries SET record = '{}' WHERE idx = 7", [], "entry 7"],
    ["a type", "UPDATE entries SET type = 'refusal' WHERE idx = 8", [], "entry 8"],
    ["a digest", "UPDATE entries SET content = ? WHERE idx = 299", [other], "entry 299"],
    ["a salt", "UPDATE entries SET salt = ? WHERE idx = 3", [other], "row of tile/0/000.p/5"],
    ["an entry that is gone", "DELETE FROM entries WHERE idx = 100", [], "entry 100"],
    ["the last entry gone", "DELETE FROM entries WHERE idx = 299", [], "row of tile/0/001.p/44"],
    [
      "entries in another order",
      "UPDATE entries SET idx = CASE idx WHEN 4 THEN 1000 ELSE 4 END WHERE idx IN (4)",
      [],
      "entry 4",
    ],
    ["a full tile", "UPDATE tiles SET hashes = zeroblob(8192) WHERE width = 256", [], "row of tile/0/000"],
    ["a partial tile", "UPDATE tiles SET hashes = zeroblob(160) WHERE width = 5", [], "row of tile/0/000.p/5"],
    ["an upper tile", "UPDATE tiles SET hashes = zeroblob(32) WHERE level = 1", [], "row of tile/1/000.p/1"],
    ["a tile that is gone", "DELETE FROM tiles WHERE level = 0 AND width = 256", [], "row of tile/0/000"],
    ["the edge gone", "DELETE FROM tiles WHERE idx = 1 AND width = 44", [], "row of tile/0/001.p/44"],
    ["a tile more", "INSERT INTO tiles VALUES (0, 7, 1, zeroblob(32))", [], "row of tile/0/007.p/1"],
    ["a level more", "INSERT INTO tiles VALUES (3, 0, 1, zeroblob(32))", [], "row of tile/3/000.p/1"],
    ["a wider tile", "INSERT INTO tiles VALUES (0, 1, 45, zeroblob(1440))", [], "row of tile/0/001.p/45"],
    ["the head's root", "UPDATE tree_head SET root = ?", [other], "the tree head"],
    ["the head's size", "UPDATE tree_head SET size = 5", [], "the tree head"],
    ["the head's size, more", "UPDATE tree_head SET size = 301", [], "the tree head"],
    ["a kept checkpoint's root", "UPDATE checkpoints SET root = ?", [other], "checkpoint of 255"],
    ["a kept checkpoint's note", "UPDATE checkpoints SET note = ?", [other], "checkpoint of 255"],
    ["a cosignature's key", "UPDATE cosignatures SET witness = 'a+00000000+'", [], cosigned("a+00000000+")],
    ["the head gone", "DELETE FROM tree_head", [], "the tree head"],
  ] as const)("%s", async (_, statement, cells, where) => {
    tamper(ledger, statement, ...cells);
    expect((await found())[0]).toBe(where);
  });

  it("a cosignature that is another's, or none, by the key that its row names", async () => {
    const { note } = (await ledger.db.reading((sql) =>
      sql.get<{ note: Uint8Array }>("SELECT note FROM checkpoints"),
    )) ?? {
      note: new Uint8Array(0),
    };
    const { text } = readNote(note);
    const vkey = verifierKeyText((await logKey("witness.example.org", "cosignature/v1")).vkey);
    const another = await logKey("another.example.org", "cosignature/v1");
    const forged = { ...cosignature(another, text, 1), name: "witness.example.org", id: vkey.split("+")[1] ?? "" };
    for (const line of [signatureLine(cosignature(another, text, 1)), signatureLine(forged), "nonsense"]) {
      tamper(ledger, "UPDATE cosignatures SET line = ?", line);
      expect(await found()).toEqual([cosigned(vkey)]);
    }
  });

  it("any hash, salt, digest or record, by any bit", async () => {
    const rows = [
      ...Array.from({ length: 300 }, (_, idx) =>
        ["salt", "content", "record"].map((name) => [name, idx] as const),
      ).flat(),
      ...[1, 5, 255, 256].map((width) => ["hashes", width] as const),
    ];
    const change = fc.record({ row: fc.constantFrom(...rows), bit: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(change, async ({ bit, row: [name, at] }) => {
        const [table, key] = name === "hashes" ? ["tiles", "level = 0 AND width"] : ["entries", "idx"];
        const rows = await ledger.db.reading((sql) =>
          sql.all<Record<string, Uint8Array | string>>(`SELECT ${name} FROM ${table} WHERE ${key} = ?`, at),
        );
        const cell = rows[0]?.[name] ?? "";
        const bytes = Buffer.from(cell);
        const turned = Uint8Array.from(bytes, (byte, place) => (place === bit % bytes.length ? byte ^ 1 : byte));
        const as = (value: Uint8Array) => (typeof cell === "string" ? Buffer.from(value).toString("latin1") : value);
        tamper(ledger, `UPDATE ${table} SET ${name} = ? WHERE ${key} = ?`, as(turned), at);
        expect((await checkLedger(ledger, [])).count).toBeGreaterThan(0);
        tamper(ledger, `UPDATE ${table} SET ${name} = ? WHERE ${key} = ?`, as(bytes), at);
        expect((await checkLedger(ledger, [])).count).toBe(0);
      }),
      { numRuns: 15 },
    );
  });

  it.each<[string, (path: (name: string) => string) => void, string]>([
    ["a published tile", (path) => writeFileSync(path("tile/0/000"), new Uint8Array(8192)), "a/tile/0/000"],
    ["a tile that is cut", (path) => truncateSync(path("tile/0/000"), 100), "a/tile/0/000"],
    ["a bundle with more behind it", (path) => appendFileSync(path("tile/entries/000"), "x"), "a/tile/entries/000"],
    ["a tile that is gone", (path) => rmSync(path("tile/0/001.p/44")), "a/tile/0/001.p/44"],
    ["an earlier partial tile", (path) => writeFileSync(path("tile/0/000.p/5"), ""), "a/tile/0/000.p/5"],
    ["a tile that no tree has", (path) => writeFileSync(path("tile/0/009"), new Uint8Array(8192)), "a/tile/0/009"],
    ["a file that is no tile", (path) => writeFileSync(path("tile/0/readme"), ""), "a/tile/0/readme"],
    ["a checkpoint that is none", (path) => writeFileSync(path("checkpoint"), "x"), "a/checkpoint"],
    ["a place that is not mounted", (path) => rmSync(path("origin")), "a"],
    ["everything gone but the checkpoint", (path) => rmSync(path("tile"), { recursive: true }), "a/tile/0/000"],
    ["a folder for a file", folderFor("tile/0/000"), "a"],
  ])("%s", async (_, change, where) => {
    change((name) => join(first().name, name));
    expect((await found())[0]).toBe(where);
  });

  it("a checkpoint of another root, of more entries, of another log, by another key, unsigned", async () => {
    const key = await logKey(origin);
    const checkpoints = [
      { where: "root", note: signedCheckpoint({ origin, size: 5, root: other }, key) },
      { where: "more", note: signedCheckpoint({ origin, size: 301, root: other }, key) },
      { where: "log", note: signedCheckpoint({ origin: "other.example.org", size: 301, root: other }, key) },
      { where: "key", note: signedCheckpoint({ origin, size: 301, root: other }, await logKey("other.example.org")) },
      { where: "none", note: new Uint8Array(0) },
    ];
    const trust = { log: key.vkey, witnesses: [], cosignatures: 0 };
    const { findings } = await checkLedger(ledger, [], { checkpoints, trust });
    expect(findings.map(({ where }) => where).sort()).toEqual(["key", "log", "more", "none", "root"]);
    const { findings: unasked } = await checkLedger(ledger, [], { checkpoints: checkpoints.slice(2, 3) });
    expect(unasked[0]).toMatchObject({ where: "log", what: expect.stringMatching(/another log/) });
  });

  it("a store that was lost and fed again: the published checkpoints are not of its tree", async () => {
    const again = await aLedger();
    try {
      await again.add(recordsFrom(0, 300));
      const { findings } = await checkLedger(again, ledger.places);
      expect(findings[0]).toMatchObject({
        where: `${first().name}/checkpoint`,
        what: expect.stringMatching(/another root/),
      });
    } finally {
      again.end();
    }
  });
});

describe("coldseal ledger verify", () => {
  const verify = (...words: readonly string[]) =>
    new Promise<{ status: number; out: string; err: string }>((done) => {
      const args = [join(projectRoot, "desk/main.ts"), "ledger", "verify", ledger.folder, ...words];
      execFile(process.execPath, args, (fault, out, err) => done({ status: fault ? Number(fault.code) : 0, out, err }));
    });

  it("says what stands there, and ends with 4 where something was changed", async () => {
    const vkey = verifierKeyText((await logKey(origin)).vkey);
    const good = await verify("--log", vkey);
    expect(good).toMatchObject({ status: 0, err: "" });
    expect(good.out).toMatch(/300 entries, root [0-9a-f]{64}\n(published in .*: 300 entries\n){2}every row/);
    expect((await verify()).out).toMatch(/SIGNATURES NOT CHECKED/);
    expect((await verify("--log", verifierKeyText((await logKey("other")).vkey))).status).toBe(4);
    tamper(ledger, "UPDATE entries SET type = 'refusal' WHERE idx = 8");
    const bad = await verify();
    expect(bad).toMatchObject({ status: 4, err: "" });
    expect(bad.out).toMatch(/CHANGED OR MISSING.*\n {2}entry 8: /);
    const json = JSON.parse((await verify("--json")).out) as { count: number; root: string };
    expect(json).toMatchObject({ origin, size: 300, count: expect.any(Number) });
    expect(json.root).not.toBe(hex(new Uint8Array(readFileSync(join(first().name, "checkpoint")))));
  });

  it("STORE, USAGE: no ledger; keys that are none, or too few, are the asker's slip and no finding", async () => {
    const vkey = verifierKeyText((await logKey(origin)).vkey);
    for (const words of [
      ["--log", "nonsense"],
      ["--log", vkey, "--cosigned", "1"],
      ["--cosigned", "1"],
    ])
      expect(await verify(...words)).toMatchObject({ status: 2, out: "", err: expect.stringMatching(/^USAGE/) });
    removeStore(ledger.folder);
    expect(await verify()).toMatchObject({ status: 3, err: expect.stringMatching(/^STORE/) });
  });
});
