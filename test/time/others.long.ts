import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, nodeHost, sha256 } from "../../host/crypto-host.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { concat, utf8 } from "../../manifests/encoding/bytes.ts";
import { checkEvidence } from "../../manifests/time/check-evidence.ts";
import { type ArchiveTimeStamp, chainsBefore, writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { checkAnswers, timeStampRequest, tokenInResponse } from "../../manifests/time/request.ts";
import { authorityPath, checkToken } from "../../manifests/time/token.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import { treeOf } from "../manifests/time/tree-of.ts";
import { issue } from "../pki/authority.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import { makeToken, makeTsa, tsaRoot } from "../pki/tsa.ts";
import { javaArguments } from "../verifiers/bouncycastle.ts";
import { hasJava } from "./has-java.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-others-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const put = (name: string, bytes: Uint8Array | string) => {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
};

/** What a program says, and whether it ended with 0. */
const run = (file: string, args: readonly string[]) =>
  new Promise<{ ok: boolean; said: string }>((resolve) => {
    execFile(file, args, (fault, stdout, stderr) => resolve({ ok: fault === null, said: `${stdout}${stderr}` }));
  });

describe("OpenSSL's time-stamp authority", () => {
  const sub = issue(tsaRoot, { name: "time sub CA", ca: true });
  let tsa: TestTsa;
  beforeAll(async () => {
    const by = makeTsa({ suite: "rsa-pkcs1-sha256" }, sub);
    tsa = await openTsa(by, [by, sub]); // its own certificate twice: some authorities are configured so
  });
  afterAll(() => tsa.end());

  it.each<HashName>(["sha256", "sha384", "sha512"])("TIME-IMPRINT: its token over %s holds here too", async (hash) => {
    const digest = digestOf(hash, utf8("sealed"));
    const nonce = Uint8Array.of(0x80, 1, 2, 3);
    const token = tokenInResponse(await tsa.reply(timeStampRequest({ hash, digest }, nonce)));
    const stamp = await checkToken(nodeHost, token, async () => digest);
    checkAnswers(stamp.info, nonce);
    expect(stamp.info).toMatchObject({ accuracy: 1500, policy: "1.3.6.1.4.1.32473.7.1" });
    expect(stamp.info.authority).toEqual(stamp.certificate.subject);
    expect(Math.abs(Date.parse(stamp.info.time) - Date.now())).toBeLessThan(60_000);
    const path = await authorityPath(nodeHost, stamp, { roots: [tsaRoot.certificate], seen: undefined });
    expect(path).toHaveLength(3);
    expect(() => checkAnswers(stamp.info, Uint8Array.of(1))).toThrow(expect.objectContaining({ code: "TSA-ANSWER" }));
  });

  it("TSA-ANSWER: says why it gives none", async () => {
    const request = timeStampRequest({ hash: "sha256", digest: sha256(utf8("x")) }, Uint8Array.of(7));
    const wrong = request.slice();
    wrong[wrong.length - 40] = (wrong.at(-40) as number) ^ 1;
    const refused = await tsa.reply(withHash(request, 0x07));
    expect(() => tokenInResponse(refused)).toThrow(
      expect.objectContaining({ code: "TSA-ANSWER", got: expect.stringContaining("rejected, badAlg") }),
    );
  });

  it("TIME-TSA: OpenSSL takes our tokens and refuses what we refuse", async () => {
    const data = put("data", "sealed");
    const over = utf8("sealed");
    const ca = put("ca.crt", toPem(tsaRoot.certificate));
    const verdict = async (token: Uint8Array) => {
      const args = ["ts", "-verify", "-token_in", "-in", put("token.tst", token), "-data", data, "-CAfile", ca];
      return (await run("openssl", args)).ok;
    };
    expect(await verdict(await makeToken({ over }))).toBe(true);
    expect(await verdict(await makeToken({ over: utf8("another") }))).toBe(false);
    expect(await verdict(await makeToken({ over, by: makeTsa({ extensions: [] }) }))).toBe(false);
  });
});

describe.skipIf(!hasJava())("BouncyCastle on evidence records", () => {
  const hashesOf = (at: number, hash: HashName = "sha256") =>
    [`document ${at}`, `seal ${at}`].map((text) => digestOf(hash, utf8(text)));
  const filesOf = (at: number) => ["document", "seal"].map((what) => put(`${what}-${at}`, `${what} ${at}`));
  const verdict = (record: Uint8Array, files: readonly string[]) => {
    const ca = put("tsa-ca.crt", toPem(tsaRoot.certificate));
    const args = [...javaArguments.slice(0, -1), join(import.meta.dirname, "../../docs/CheckEvidence.java")];
    return run("java", [...args, ca, put("record.ers", record), ...files]);
  };

  it("TIME-IMPRINT: takes ours, with renewals of token and of hash, and refuses another group", async () => {
    const tree = await treeOf(
      "sha256",
      [0, 1, 2, 3, 4].map((at) => hashesOf(at)),
    );
    const first: ArchiveTimeStamp = {
      hash: "sha256",
      tree: tree.reduced(4),
      token: await rawToken(tree.root, { time: "2021-01-01T00:00:00Z" }),
    };
    const time = "2022-01-01T00:00:00Z";
    const second: ArchiveTimeStamp = { hash: "sha256", tree: [], token: await makeToken({ over: first.token, time }) };
    const before = [[first, second]];
    const chains = digestOf("sha512", chainsBefore(writeEvidenceRecord(before), 1));
    const group = hashesOf(4, "sha512").map((one) => digestOf("sha512", concat([one, chains])));
    const next = await treeOf("sha512", [group, hashesOf(9, "sha512")]);
    const token = await rawToken(next.root, { hash: "sha512", time: "2023-01-01T00:00:00Z" });
    const all = [...before, [{ hash: "sha512", tree: next.reduced(0), token } as const]];
    for (const record of [[[first]], before, all].map(writeEvidenceRecord)) {
      const ours = await checkEvidence(nodeHost, record, async (hash) => hashesOf(4, hash));
      const theirs = await verdict(record, filesOf(4));
      expect(theirs.said).toContain("good: existed by 2021-01-01T00:00:00Z");
      expect(theirs.said.match(/renewed/g)?.length ?? 0).toBe(ours.length - 1);
      expect((await verdict(record, filesOf(3))).ok).toBe(false);
    }
  }, 120_000);
});

function toPem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

/** The request with another hash named: the last octet of SHA-256's identifier. */
function withHash(request: Uint8Array, octet: number): Uint8Array {
  const changed = request.slice();
  const at = Buffer.from(changed).indexOf(Buffer.from("0609608648016503040201", "hex"));
  changed[at + 10] = octet;
  return changed;
}
