/** From a stick to a proof that a stranger checks: a real store, published places, and the verifier with the log's key alone. */

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { intoBundle, intoNewFile, readToProve } from "../../../ledger/prove/into-bundle.ts";
import { proveInLog, proveRecords } from "../../../ledger/prove/prove.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import type { LogRecord } from "../../../manifests/log/entry.ts";
import { checkLogProof, logProofBytes, readLogProof } from "../../../manifests/log/proof.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { oids, op1, op2 } from "../../bundle/people.ts";
import { signedBy } from "../../bundle/signed.ts";
import { logKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { transcriptContent } from "../../manifests/records/transcript-content.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { ledgerCommand } from "../programs.ts";

let bundles: readonly Bundle[];
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(3, (number) => ({
    documents: { [`a ${number}.pdf`]: `a ${number}`, "b.pdf": `b ${number}` },
  }));
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
});
afterEach(() => box.end());

const bundle = (number: number) => bundles[number - 1] as Bundle;

/** A stick with these bundles came in; the folder of each on it. */
async function ingested(...numbers: readonly number[]): Promise<readonly string[]> {
  const stick: Stick = new Map();
  for (const number of numbers) layBundle(stick, `coldseal/outbox/batch-${number}`, bundle(number));
  const folder = box.stick(stick);
  await box.ingest(folder);
  return numbers.map((number) => join(folder, `coldseal/outbox/batch-${number}`));
}

async function published(): Promise<void> {
  const head = await box.ledger.db.reading(treeHead);
  const { origin } = box.ledger;
  const note = signedCheckpoint({ origin, root: head.root, size: head.size }, await logKey(origin));
  for (const place of placesOf(box.ledger)) await publish(box.ledger, place, note);
}

const trusted = async (one: Bundle) => ({
  roots: one.roots,
  genesis: one.genesis,
  log: { log: (await logKey(box.ledger.origin)).vkey, witnesses: [], cosignatures: 0 },
});
const proven = async (folder: string, index?: number) =>
  proveInLog(box.ledger, placesOf(box.ledger), await readToProve(folder, index));
const refused = (code: string) => expect.objectContaining({ code });

describe("a proof out of the ledger", () => {
  it("LOG-PROOF: goes into the bundle, where the verifier finds the manifest in the log", async () => {
    const [first = "", second = ""] = await ingested(1, 2);
    await published();
    for (const [folder, number, entry] of [
      [first, 1, 0],
      [second, 2, 3],
    ] as const) {
      const put = await intoBundle(folder, await proven(folder));
      expect(put).toEqual({ file: join(folder, "evidence/log-0001.json"), changed: true });
      const source = bundleFolder(folder);
      const verdict = await verifyBundle(nodeHost, source, await trusted(bundle(number)));
      source.close();
      expect(verdict.findings).toEqual([]);
      expect(verdict.log.shown).toMatchObject([{ manifest: entry, seal: null, size: 6, discounted: null }]);
    }
  });

  it("LOG-PROOF: of one document goes into a file, which shows its seal in the log and names no other document", async () => {
    const [folder = ""] = await ingested(1);
    await published();
    const file = join(box.dir, "proof.json");
    await intoNewFile(file, await proven(folder, 2));
    await expect(intoNewFile(file, await proven(folder, 2))).rejects.toEqual(refused("USAGE"));
    const bytes = new Uint8Array(readFileSync(file));
    expect(readLogProof(bytes).entries.map(({ index, record }) => [index, record.type])).toEqual([
      [0, "manifest"],
      [2, "seal"],
    ]);
    expect(Buffer.from(bytes).includes("a 1.pdf")).toBe(false);
    const document = bundle(1).documents.get("b.pdf") as Uint8Array;
    const given = {
      seal: bundle(1).files.get("seals/0000/000002-b.pdf.p7s") as Uint8Array,
      documentDigest: async (hash: HashName) => digestOf(hash, document),
      logs: [{ name: "proof", bytes }],
    };
    const { findings, log } = await verifySeal(nodeHost, given, await trusted(bundle(1)));
    expect([findings, log.shown.map(({ manifest, seal }) => [manifest, seal])]).toEqual([[], [[0, 2]]]);
  });

  it("LOG-PROOF: the same again changes nothing, and under a later checkpoint a further one is put beside it", async () => {
    const [folder = ""] = await ingested(1);
    await published();
    await intoBundle(folder, await proven(folder));
    expect((await intoBundle(folder, await proven(folder))).changed).toBe(false);
    await ingested(2);
    await published();
    const later = await intoBundle(folder, await proven(folder));
    expect(later).toEqual({ file: join(folder, "evidence/log-0002.json"), changed: true });
    expect(existsSync(join(folder, "evidence/log-0003.json"))).toBe(false);
  });

  it("LOG-PROOF: of a record beside manifests goes with its file to whoever checks it by the log's key alone", async () => {
    const content = await transcriptContent(
      [op1, op2].map(({ certificate }, at) => ({ id: `op${at + 1}`, certificate })),
      { run: "live" },
    );
    const p7m = await signedBy([op1, op2], oids.transcript, content);
    const stick: Stick = new Map([["coldseal/transcripts/2026-001-genesis.p7m", p7m]]);
    layBundle(stick, "coldseal/outbox/batch-1", bundle(1));
    expect((await box.ingest(stick)).map(({ result }) => result.kind)).toEqual(["chained", "entered"]);
    await published();
    const record = (await box.records())[3] as LogRecord;
    const proof = await proveRecords(box.ledger, placesOf(box.ledger), [record]);
    const { log } = await trusted(bundle(1));
    const read = readLogProof(logProofBytes(proof));
    expect(await checkLogProof(nodeHost, read, log)).toMatchObject({ origin: box.ledger.origin, size: 4 });
    expect(read.entries).toMatchObject([{ index: 3, record: { type: "transcript" } }]);
  });

  it("LEDGER-GAP, UNPUBLISHED: what is not in the log, and what no checkpoint is over yet, has none", async () => {
    const [folder = ""] = await ingested(1);
    await expect(proven(folder)).rejects.toEqual(refused("UNPUBLISHED"));
    await published();
    const [second = ""] = await ingested(2);
    await expect(proven(second)).rejects.toEqual(refused("UNPUBLISHED"));
    const stick: Stick = new Map();
    layBundle(stick, "coldseal/outbox/other", bundle(3));
    await expect(proven(join(box.stick(stick), "coldseal/outbox/other"))).rejects.toEqual(refused("LEDGER-GAP"));
    await expect(readToProve(folder, 3)).rejects.toEqual(refused("USAGE"));
    await expect(readToProve(box.dir, undefined)).rejects.toEqual(refused("BUNDLE-FORM"));
  });

  it("LOG-HEAD: a published checkpoint of another tree is none to prove by", async () => {
    const [folder = ""] = await ingested(1);
    const { origin } = box.ledger;
    const note = signedCheckpoint({ origin, size: 2, root: new Uint8Array(32) }, await logKey(origin));
    const wrong = [{ read: async () => note }];
    await expect(proveInLog(box.ledger, wrong, await readToProve(folder, undefined))).rejects.toEqual(
      refused("LOG-HEAD"),
    );
    const gone = [{ read: () => Promise.reject(new Error("gone")) }, { read: async () => undefined }];
    await expect(proveInLog(box.ledger, gone, await readToProve(folder, undefined))).rejects.toThrow("gone");
  });

  it("LOG-PROOF, UX9: as a command it says what it wrote, and USAGE for half of what it needs", async () => {
    const [folder = ""] = await ingested(1);
    await published();
    const said = await ledgerCommand(["prove", box.folder, folder, "--json"]);
    expect([said.status, said.err]).toEqual([0, ""]);
    expect(JSON.parse(said.out)).toEqual({
      file: join(folder, "evidence/log-0001.json"),
      changed: true,
      entries: [{ index: 0, type: "manifest" }],
    });
    const half = await ledgerCommand(["prove", box.folder, folder, "--document", "1"]);
    expect([half.status, half.err.includes("USAGE")]).toEqual([2, true]);
    rmSync(join(folder, "evidence"), { recursive: true });
  });
});
