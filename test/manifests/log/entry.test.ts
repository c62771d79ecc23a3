import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { fromUtf8, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import {
  contentDigest,
  entryBytes,
  type LogRecord,
  mostEntryBytes,
  openedEntry,
  readEntry,
  readRecord,
  recordBytes,
  WrittenRecord,
} from "../../../manifests/log/entry.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import { codeOf } from "./code-of.ts";

const digest = "ab".repeat(32);
const genesis = "cd".repeat(32);
const box = { appliance: "vault-1", genesis, version: 1 } as const;
const line = (name: string) => ({
  digest,
  index: 7,
  name,
  seal: sealPath(7, name),
  sealDigest: digest,
  size: 10240,
});

const records: readonly LogRecord[] = [
  { ...box, line: line("contract.pdf"), manifest: digest, number: 3, type: "seal" },
  { ...box, digest, number: 3, type: "manifest" },
  { ...box, digest, type: "refusal" },
  { ...box, digest, type: "closing" },
  { ...box, digest, type: "transcript" },
  { ...box, digest, type: "custody" },
  { ...box, digest, number: 3, type: "decision" },
];

const salt = Uint8Array.from({ length: 32 }, (_, at) => at);

describe("a log's entry", () => {
  it("LOG-FORM: is the canonical JSON of type, version and the digest of salt and record, of every type", async () => {
    for (const record of records) {
      const bytes = await entryBytes(nodeHost, salt, record);
      const expected = createHash("sha256").update(salt).update(recordBytes(record)).digest("hex");
      expect(fromUtf8(bytes)).toBe(`{"digest":"${expected}","type":"${record.type}","version":1}`);
      expect(readEntry(bytes)).toEqual({ digest: expected, type: record.type, version: 1 });
      expect(readRecord(recordBytes(record))).toEqual(record);
      expect(await openedEntry(nodeHost, { record, salt: hex(salt) })).toEqual(bytes);
    }
  });

  it("LOG-FORM: another salt is another leaf, and the content's own digest is the same", async () => {
    const [record] = records as readonly [LogRecord];
    const other = await entryBytes(nodeHost, salt.toReversed(), record);
    expect(fromUtf8(other)).not.toBe(fromUtf8(await entryBytes(nodeHost, salt, record)));
    expect(hex(await contentDigest(nodeHost, record))).toBe(
      createHash("sha256").update(recordBytes(record)).digest("hex"),
    );
  });

  it("LOG-FORM: the longest line that a list may have makes a record that is read", async () => {
    const name = `${"ä".repeat(125)}.pdf`;
    const record: LogRecord = { ...box, line: line(name), manifest: digest, number: 2 ** 53 - 1, type: "seal" };
    expect(await codeOf(() => readRecord(recordBytes(record)))).toBe("taken");
    expect((await entryBytes(nodeHost, salt, record)).length).toBeLessThan(mostEntryBytes);
  });

  it("LOG-FORM: what is written of a manifest's seals is what each record is by itself", () => {
    const lines = ["a.pdf", "it's [x].txt", `${"ä".repeat(125)}.pdf`, "\u{1f512} .p7m"].map((name) => line(name));
    for (const appliance of ["vault-1", 'v"ault\\ä']) {
      const of = { appliance, genesis, manifest: digest, number: 2 ** 53 - 1 };
      const written = lines
        .map((entry) => ({ entry, leaf: canonicalBytes(entry) }))
        .map(WrittenRecord.ofSeals(of))
        .map(({ bytes, type }) => [type, fromUtf8(bytes)]);
      const each = lines.map((entry): LogRecord => ({ ...of, line: entry, type: "seal", version: 1 }));
      expect(written).toEqual(each.map((record) => ["seal", fromUtf8(recordBytes(record))]));
    }
  });

  it("LOG-FORM: other members, types, versions, forms and salts are refused", async () => {
    const [, manifest] = records as readonly [LogRecord, LogRecord];
    const refusedRecords = [
      { ...manifest, version: 2 },
      { ...manifest, type: "other" },
      { ...manifest, number: 0 },
      { ...records[2], type: "manifest" },
      { ...manifest, digest: "AB".repeat(32) },
      { ...manifest, more: 1 },
      { ...records[0], line: { ...line("contract.pdf"), seal: "seals/other" } },
      { ...records[0], line: { ...line("contract.pdf"), index: 8 } },
    ];
    for (const record of refusedRecords) {
      expect(await codeOf(() => recordBytes(record as unknown as LogRecord)), JSON.stringify(record)).toBe("LOG-FORM");
    }
    const refused = [
      "",
      "null",
      "[]",
      "{}",
      '{"type":"manifest"}',
      " {}",
      "\u00ff",
      "[".repeat(5000),
      "1".repeat(9000),
    ];
    for (const bytes of refused) {
      expect(await codeOf(() => readRecord(utf8(bytes))), bytes.slice(0, 40)).toBe("LOG-FORM");
      expect(await codeOf(() => readEntry(utf8(bytes))), bytes.slice(0, 40)).toBe("LOG-FORM");
    }
    expect(await codeOf(() => readEntry(utf8(`{"digest":"${digest}","type":"manifest","version":2}`)))).toBe(
      "LOG-FORM",
    );
    expect(await codeOf(() => entryBytes(nodeHost, salt.subarray(1), manifest))).toBe("LOG-FORM");
  });
});
