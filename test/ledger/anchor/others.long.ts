/** Evidence records of a ledger before a program that nobody here wrote. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordsOf } from "../../../ledger/anchor/records.ts";
import { rehashRounds } from "../../../ledger/anchor/rehash.ts";
import { renewRounds } from "../../../ledger/anchor/renew-rounds.ts";
import { manifestBytes } from "../../../manifests/records/manifest.ts";
import { recordFiles } from "../../../manifests/verify/time-evidence.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf } from "../../bundle/chain.ts";
import { pem } from "../../pki/authority.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { type FreeTsa, freeTsa } from "../../time/free-tsa.ts";
import { hasJava } from "../../time/has-java.ts";
import { javaArguments } from "../../verifiers/bouncycastle.ts";
import { type AnchoredLedger, anchoredLedger } from "./anchored-ledger.ts";

let dir: string;
let bundles: readonly Bundle[];
let box: AnchoredLedger;
let tsa: FreeTsa;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-anchor-others-"));
  bundles = await chainOf(3, (number) => ({ documents: { "a.pdf": `a ${number}`, "b.pdf": `b ${number}` } }));
  box = await anchoredLedger((bundles[0] as Bundle).genesis);
  tsa = await freeTsa();
});
afterAll(() => {
  box?.end();
  tsa?.end();
  rmSync(dir, { recursive: true, force: true });
});

const put = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
};

describe.skipIf(!hasJava())("BouncyCastle on a ledger's evidence", () => {
  const verdict = (record: Uint8Array, files: readonly string[]) => {
    const ca = put("tsa-ca.crt", pem(tsaRoot.certificate));
    const args = [...javaArguments.slice(0, -1), join(import.meta.dirname, "../../../docs/CheckEvidence.java")];
    return new Promise<{ ok: boolean; said: string }>((resolve) => {
      execFile("java", [...args, ca, put("record.ers", record), ...files], (fault, stdout, stderr) =>
        resolve({ ok: fault === null, said: `${stdout}${stderr}` }),
      );
    });
  };

  it("TIME-IMPRINT: takes those of a batch and of one line, of several manifests under one token, renewed by token and by hash, and no other group", async () => {
    await box.take(...bundles);
    await box.anchor([tsa.url]);
    const work = await box.work();
    const only = { rounds: [1], giveUp: false };
    await renewRounds(work, only);
    await rehashRounds(work, "sha512", only, () => undefined);
    for (const [at, { files, manifest }] of bundles.entries()) {
      const records = await box.ledger.db.reading((sql) => recordsOf(sql, 1, at + 1));
      const [line = ""] = new TextDecoder().decode(files.get("documents.jsonl")).split("\n");
      const record = recordFiles.map((path) => put(path, files.get(path) as Uint8Array));
      const pair = [put("content", manifestBytes(manifest)), put("line", line)];
      for (const [group, data] of [record, pair].entries()) {
        const { ok, said } = await verdict(records(group), data);
        expect([ok, said]).toEqual([true, expect.stringContaining("good: existed by")]);
        expect(said.match(/renewed/g)).toHaveLength(2);
        expect((await verdict(records(group), [...data.slice(1), put("other", "another")])).ok).toBe(false);
      }
    }
  }, 240_000);
});
