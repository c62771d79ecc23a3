/** The record of a ledger's keys, and the file that says where their token is: strict, of two versions, without a secret. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KeyRecord, keyFile, keyRecordBytes, readKeyRecord } from "../../../ledger/signer/key-record.ts";
import { readLedgerToken, tokenFile, tokenFileBytes } from "../../../ledger/signer/token/token-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-key-record-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const uri = "pkcs11:serial=6f2c;token=ledger;object=x;id=%01;type=private";
const sealed = {
  ciphertext: new Uint8Array(40),
  nonce: new Uint8Array(12),
  salt: new Uint8Array(32),
  scrypt: { N: 1024, p: 1, r: 8 },
};
const inFile: KeyRecord = {
  acknowledgement: { held: "file", spki: new Uint8Array(91), suite: "ecdsa-p256-sha256" },
  checkpoint: { held: "file", vkey: "ledger.example.org/boxes+3d9f9551+ATWM" },
  origin: "ledger.example.org/boxes",
  sealed,
  type: "ledger-keys",
  version: 1,
};
const acknowledgement = { ...inFile.acknowledgement, held: "token", uri } as const;
const mixed: KeyRecord = { ...inFile, acknowledgement, version: 2 };
const { sealed: _none, ...open } = mixed;
const onToken: KeyRecord = { ...open, checkpoint: { ...inFile.checkpoint, held: "token", uri } };

function readBack({ sealed, ...record }: KeyRecord): KeyRecord {
  writeFileSync(keyFile(folder), keyRecordBytes(record, sealed));
  return readKeyRecord(folder);
}

const config = expect.objectContaining({ code: "CONFIG" });

describe("keys.json", () => {
  it.each([
    ["both in the file (version 1)", inFile],
    ["one on a token", mixed],
    ["both on a token", onToken],
  ])("CONFIG: reads back as it was written: %s", (_what, record) => {
    expect(readBack(record)).toEqual(record);
  });

  it.each<[string, KeyRecord]>([
    ["a key on a token without a URI", { ...mixed, acknowledgement: { ...inFile.acknowledgement, held: "token" } }],
    ["a key in the file with a URI", { ...mixed, checkpoint: { ...mixed.checkpoint, uri } }],
    ["version 1 with a key on a token", { ...mixed, version: 1 }],
    ["version 2 without one", { ...inFile, version: 2 }],
    ["version 3", { ...mixed, version: 3 }],
    ["sealed keys where none is in the file", { ...onToken, sealed }],
    ["none where one is", open],
  ])("CONFIG: refuses %s", (_what, record) => {
    expect(() => readBack(record)).toThrow(config);
  });
});

describe("token.json", () => {
  const token = { environment: { SOFTHSM2_CONF: "/etc/x" }, module: "/usr/lib/x.so", uri: "pkcs11:token=l;serial=6f" };

  it("CONFIG: reads back as it was written; a token without serial, and a module of no certain place, are refused", () => {
    writeFileSync(tokenFile(folder), tokenFileBytes(token));
    expect(readLedgerToken(folder)).toEqual(token);
    for (const change of [{ uri: "pkcs11:token=l" }, { uri: "http://x" }, { module: "x.so" }]) {
      writeFileSync(tokenFile(folder), tokenFileBytes({ ...token, ...change }));
      expect(() => readLedgerToken(folder)).toThrow(config);
    }
    rmSync(tokenFile(folder));
    expect(() => readLedgerToken(folder)).toThrow(config);
  });

  it("SECRET: holds no PIN", () => {
    writeFileSync(tokenFile(folder), tokenFileBytes({ ...token, uri: `${token.uri}?pin-value=1234` }));
    expect(() => readLedgerToken(folder)).toThrow(expect.objectContaining({ code: "SECRET" }));
  });
});
