/** What threads do of an ingest beside checking seals: the same as is done without them. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { type Packed, PackedFiles } from "../../../host/packed-files.ts";
import { appendManifest } from "../../../ledger/boxes/chain-manifest.ts";
import { knownBoxes } from "../../../ledger/boxes/known-box.ts";
import { IngestCrew } from "../../../ledger/ingest/ingest-crew.ts";
import { appendAs } from "../../../ledger/ingest/ingest-into.ts";
import { packFolder } from "../../../ledger/ingest/pack-folder.ts";
import { type SaltedSeals, saltRecords } from "../../../ledger/log/salted-records.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import { fromUtf8, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { entryBytes, type LogRecord, readRecord, WrittenRecord } from "../../../manifests/log/entry.ts";
import { listLine } from "../../../manifests/records/documents-list.ts";
import { manifestBytes } from "../../../manifests/records/manifest.ts";
import { leafHash } from "../../../manifests/records/merkle.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { chainOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { inShort, testLedger } from "./on-real-ledger.ts";

let dir: string;
const crew = new IngestCrew();
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-ingest-crew-"));
});
afterAll(async () => {
  await crew.close();
  rmSync(dir, { recursive: true });
});

const most = { mostBytes: 1 << 30, mostFiles: 1000, mostFolders: 10 };
const many = 600;

/** A folder of many small files, and one of a few. */
function manyFiles(name: string): string {
  for (const [folder, count] of [
    ["0000", many],
    ["0001", 3],
  ] as const) {
    mkdirSync(join(dir, name, "seals", folder), { recursive: true });
    for (let at = 0; at < count; at++) writeFileSync(join(dir, name, "seals", folder, `${at}.p7s`), `${folder} ${at}`);
  }
  return join(dir, name);
}

const other: LogRecord = {
  appliance: "box-1",
  digest: "00".repeat(32),
  genesis: "ab".repeat(32),
  type: "custody",
  version: 1,
};
const order = (root: string, file: string) => ({ root, below: ["seals"], file: join(dir, file), ...most });

function contentOf(packed: Packed): readonly string[] {
  const files = new PackedFiles(packed);
  const all = [...packed.folders.keys()].flatMap((folder) =>
    (files.names(folder) ?? []).map((name) => `${name}: ${fromUtf8(files.read(`${folder}/${name}`) as Uint8Array)}`),
  );
  files.close();
  return all;
}

describe("packing", () => {
  it("LEDGER-BOX: a thread packs what this one would, and what it refuses is refused with its words", async () => {
    const root = manyFiles("good");
    const packed = await crew.pack(order(root, "by-thread"));
    expect(contentOf(packed)).toHaveLength(many + 3);
    expect(contentOf(packed)).toEqual(contentOf(await packFolder(order(root, "here"))));
    const bad = manyFiles("bad");
    symlinkSync("/etc/passwd", join(bad, "seals/0000/link"));
    const refusal = await packFolder(order(bad, "bad-here")).catch((fault) => fault.toRecord());
    expect(refusal).toMatchObject({ code: "MEDIA-KIND", about: "link", got: "a link" });
    await expect(crew.pack(order(bad, "bad-by-thread"))).rejects.toMatchObject(refusal);
  });

  it("LEDGER-BOX: what a thread did not end is packed by this one", async () => {
    const packing = crew.pack(order(manyFiles("cut"), "cut-packed"));
    await crew.close();
    expect(contentOf(await packing)).toHaveLength(many + 3);
    expect(readdirSync(dir).filter((name) => name === "cut-packed")).toHaveLength(1);
  });
});

const of = { appliance: "box-1", genesis: "ab".repeat(32), manifest: "cd".repeat(32), number: 7 };

function listOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => {
    const name = `ä ${at}.pdf`;
    const seal = sealPath(at + 1, name);
    return listLine({ digest: "ef".repeat(32), index: at + 1, name, seal, sealDigest: "01".repeat(32), size: at });
  });
}

describe("salting", () => {
  it("LEDGER-BOX: a thread makes of a list the records that the log would make, each with a salt of its own", async () => {
    const lines = listOf(many);
    writeFileSync(join(dir, "list"), Buffer.concat(lines));
    expect(await crew.salted({ list: join(dir, "list"), of })).toBeUndefined();
    crew.verifiers.ready(many);
    const salted = (await crew.salted({ list: join(dir, "list"), of })) as SaltedSeals;
    expect(salted).toMatchObject({ manifest: of.manifest, list: hex(sha256(Buffer.concat(lines))) });
    expect(salted.records).toHaveLength(many);
    for (const [at, { content, leaf, record, salt, type }] of salted.records.entries()) {
      const expected: LogRecord = {
        ...of,
        line: JSON.parse(fromUtf8(lines[at] as Uint8Array)),
        type: "seal",
        version: 1,
      };
      expect(readRecord(utf8(record))).toEqual(expected);
      expect(type).toBe("seal");
      expect(hex(content)).toBe(hex(sha256(utf8(record))));
      expect(hex(leaf)).toBe(hex(await leafHash(nodeHost, await entryBytes(nodeHost, salt, expected))));
    }
    expect(new Set(salted.records.map(({ salt }) => hex(salt))).size).toBe(many);
  });

  it("LEDGER-BOX: of a list that is not there, or is none, nothing is made", async () => {
    crew.verifiers.ready(many);
    writeFileSync(join(dir, "none"), "{}\n");
    expect(await crew.salted({ list: join(dir, "nowhere"), of })).toBeUndefined();
    expect(await crew.salted({ list: join(dir, "none"), of })).toBeUndefined();
  });

  it("LEDGER-BOX: a manifest takes none that were made for another, or of another list", async () => {
    const box = await testLedger();
    try {
      const [first, second] = (await chainOf(2)) as [Bundle, Bundle];
      await box.enrol(first.genesis);
      const stick: Stick = new Map();
      layBundle(stick, "coldseal/outbox/batch-2", second);
      expect(inShort(await box.ingest(stick))).toEqual(["waits 2"]);
      const { db } = box.ledger;
      const epoch = await takeOver(db);
      const list = hex(sha256(second.files.get("documents.jsonl") as Uint8Array));
      const manifest = hex(sha256(manifestBytes(second.manifest)));
      const records = await saltRecords([WrittenRecord.of(other)]);
      const lengthWith = (made: SaltedSeals | undefined) =>
        db
          .writing(async (sql) => {
            const [known] = await knownBoxes(sql, "2026-11-22T08:00:00Z");
            if (!known) throw new Error("no box");
            const work = { append: appendAs(epoch), known, sql, salted: Promise.resolve(made) };
            throw (await appendManifest(work, 1)).length;
          })
          .catch((length: number) => length);
      const whole = 1 + second.manifest.documents.sealed;
      expect(await lengthWith(undefined)).toBe(whole);
      expect(await lengthWith({ manifest, list, records })).toBe(2);
      expect(await lengthWith({ manifest: of.manifest, list, records })).toBe(whole);
      expect(await lengthWith({ manifest, list: of.manifest, records })).toBe(whole);
    } finally {
      box.end();
    }
  });
});

describe("an ingest with threads", () => {
  it("LEDGER-BOX: a batch of many seals is taken as a small one is, and known when it comes again", async () => {
    const documents = Object.fromEntries(Array.from({ length: many }, (_, at) => [`${at}.txt`, `content ${at}`]));
    const bundle = await buildBundle({ documents });
    const box = await testLedger();
    try {
      await box.enrol(bundle.genesis);
      const stick: Stick = new Map();
      layBundle(stick, "coldseal/outbox/many", bundle);
      const folder = box.stick(stick);
      expect(inShort(await box.ingest(folder))).toEqual(["chained 1"]);
      expect(inShort(await box.ingest(folder))).toEqual(["known 1"]);
      const records = await box.records();
      expect(records).toHaveLength(many + 1);
      for (const [at, record] of records.entries()) {
        expect(record).toMatchObject(at === 0 ? { type: "manifest" } : { type: "seal", line: { index: at } });
      }
    } finally {
      box.end();
    }
  });
});
